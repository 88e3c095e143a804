"""The rows of a trace, their summary, and refusals of a service that fails."""

import pytest

from bench.load.closed_loop import Sample
from bench.load.open_loop import Arrival
from bench.load.service_process import ServiceError
from bench.scale.traces import describe, measure_trace, sum_stages, summarise
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
