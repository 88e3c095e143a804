"""The rows of a trace, their summary, and refusals of a service that fails."""

import pytest

from bench.load.closed_loop import Sample
from bench.load.open_loop import Arrival
from bench.load.service_process import ServiceError
from bench.scale.traces import describe, find_capacity, measure_trace, sum_stages, summarise
from tests.bench.load.fake_service import fake_service

TIMING = "queue;dur=5, decode;dur=10, predict;dur=20, encode;dur=30, front;dur=99"


def test_a_row_has_arrival_stages_wait_and_queue() -> None:
    sample = Sample(200, 101.1, 1100.0, 10, 5, TIMING)
    assert describe(Arrival(100.9, 101.0, sample), 100.0) == [1000.0, 60.0, 40.0, 5.0]


def test_the_wait_in_the_queue_is_no_stage() -> None:
    assert sum_stages(TIMING) == 60.0


def test_a_summary_has_what_the_simulation_starts_from() -> None:
    found = summarise([[0.0, 100.0, 12.0, 4.0], [9.0, 110.0, 20.0, 10.0], [20.0, 90.0, 16.0, 6.0]])
    assert found["service_mean_ms"] == 100.0
    assert found["wait_mean_ms"] == 16.0
    assert found["queue_p50_ms"] == 6.0
    assert found["around_p50_ms"] == 10.0
    assert found["wait_p95_ms"] == pytest.approx(19.6)


def test_a_trace_of_a_service_that_fails_is_no_trace() -> None:
    with (
        fake_service(lambda number: (503 if number == 3 else 200, 0.0)) as (url, _),
        pytest.raises(ServiceError, match="503"),
    ):
        measure_trace(url, [b"photo"], 20.0, 0.5, dict)


def test_capacity_and_gap_are_medians_of_parts() -> None:
    """Two workers, 60 ms of stages: they end every 40 ms, so 20 ms lie between two photos of a worker."""
    ends_s = [0.04 * number + (3.0 if number > 30 else 0.0) for number in range(51)]
    samples = [Sample(200, end_s, 100.0, 10, 5, TIMING) for end_s in ends_s]
    assert find_capacity(samples) == pytest.approx((25.0, 20.0))


@pytest.mark.parametrize(("count", "status"), [(3, 200), (50, 503)])
def test_too_few_photos_or_failed_ones_have_no_capacity(count: int, status: int) -> None:
    samples = [Sample(status, 0.1 * number, 100.0, 10, 5, TIMING) for number in range(count)]
    with pytest.raises(ServiceError, match=str(count)):
        find_capacity(samples)
