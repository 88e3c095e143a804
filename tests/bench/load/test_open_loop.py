"""Arrivals of the open loop, its latency, and how late it sends."""

import statistics
import time
from itertools import pairwise
from typing import Any

import pytest

from bench.load import open_loop
from bench.load.closed_loop import Load, Sample
from bench.load.open_loop import (
    LATE_MS,
    SHARES,
    Arrival,
    OpenLoad,
    count_unexpected_errors,
    describe_arrivals,
    measure_open_loop,
    measure_rate,
    poisson_arrivals,
)
from bench.load.window import Window
from tests.bench.load.fake_service import fake_service


def measured(url: str, per_s: float, *, connections: int = 64, seconds: float = 1.0) -> Any:
    load = OpenLoad(url, "/compress", [b"photo"], connections=connections)
    return measure_rate(load, Window(url, None), per_s, seconds=seconds, warm_up_s=0.2)


def test_arrivals_are_a_poisson_process_of_exactly_the_given_rate() -> None:
    moments = poisson_arrivals(50.0, 40.0, seed=3)
    assert len(moments) == 2000
    assert moments == sorted(moments) == poisson_arrivals(50.0, 40.0, seed=3)
    assert 0.0 <= moments[0] < moments[-1] <= 40.0
    gaps = [after - before for before, after in pairwise(moments)]
    # The deviation of exponential gaps is their mean; evenly spaced requests have none.
    assert statistics.stdev(gaps) / statistics.fmean(gaps) == pytest.approx(1.0, abs=0.1)
    assert len(poisson_arrivals(0.1, 1.0, seed=0)) == 1


def test_requests_are_sent_whether_or_not_earlier_ones_have_a_response() -> None:
    with fake_service(lambda _: (200, 0.05)) as (url, _):  # at most twenty a second
        figures = measured(url, 40.0, seconds=0.5)
    assert figures["requests"] == 20
    assert figures["offered_images_per_s"] == 40
    assert figures["images_per_s"] < 25
    assert figures["sent_late_ms"]["p50"] < LATE_MS
    # The last requests wait for all earlier ones.
    assert figures["p99_ms"] > 600


def test_a_stall_raises_the_latency_of_all_requests_due_meanwhile() -> None:
    def stall(number: int) -> tuple[int, float]:
        return 200, 0.5 if number == 5 else 0.0005

    with fake_service(stall) as (url, _):
        load = Load(url, "/compress", [b"photo"], clients=1, limit=200)
        load.start()
        load.join()
    closed_ms = sorted(sample.elapsed_ms for sample in load.samples)
    with fake_service(stall) as (url, _):
        opened = measured(url, 100.0)
    # In the closed loop only one request was slow.
    assert closed_ms[int(0.95 * len(closed_ms))] < 100
    assert opened["p95_ms"] > 150


def test_late_sending_adds_to_the_latency_and_is_reported() -> None:
    with fake_service(lambda _: (200, 0.02)) as (url, service):
        figures = measured(url, 100.0, connections=1, seconds=0.5)
        assert service.connections <= 3  # two for metrics
    assert not figures["kept_up"]
    assert figures["sent_late_ms"]["max"] >= figures["sent_late_ms"]["p99"] > LATE_MS
    # The response came 20 ms after sending, which was long after the due time.
    assert figures["p99_ms"] > figures["sent_late_ms"]["p50"] + 50


def test_latency_counts_from_the_due_time() -> None:
    sample = Sample(200, 12.0, 2000.0, 1, 1, "queue;dur=5")
    figures = describe_arrivals([Arrival(10.0, 11.9, sample)], 1.0)
    assert figures["p50_ms"] == 2000.0
    assert figures["sent_late_ms"]["p50"] == pytest.approx(1900.0)
    assert figures["stage_ms"]["other"]["p50"] == 1995.0


def test_refusals_are_counted_by_their_status() -> None:
    statuses = (200, 429, 503, 504)
    with fake_service(lambda number: (statuses[number % 4], 0.0)) as (url, _):
        figures = measured(url, 40.0)
    # Ten of each status; the warm-up's requests shift the first one.
    assert figures["errors"].keys() == {"429", "503", "504"}
    assert sum(figures["errors"].values()) == 30
    assert figures["images_per_s"] == pytest.approx(10, abs=3)


def test_only_refusals_above_the_closed_loop_s_throughput_are_expected() -> None:
    def loop(offered: float, errors: dict[str, int]) -> dict[str, Any]:
        rate = {"offered_images_per_s": offered, "errors": errors}
        return {"closed_loop_images_per_s": 10.0, "rates": [rate]}

    refusals = {"429": 3, "503": 2, "504": 1}
    assert count_unexpected_errors(loop(12.0, refusals)) == {}
    assert count_unexpected_errors(loop(8.0, refusals)) == refusals
    assert count_unexpected_errors(loop(12.0, {"no response": 1, "500": 1, "422": 1, "429": 1})) == {
        "no response": 1, "500": 1, "422": 1,
    }  # fmt: skip


def test_idle_connections_are_closed_before_the_service_closes_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(open_loop, "IDLE_S", 0.5)
    with fake_service(idle_s=0.9) as (url, service):
        load = OpenLoad(url, "/compress", [b"photo"])
        start_s = time.monotonic()
        load.start([start_s, start_s + 0.2, start_s + 1.3])
        load.join()
        assert [arrival.sample.status for arrival in load.arrivals] == [200] * 3
        # The second request reuses the first one's connection; the third opens a new one.
        assert service.connections == 2


def test_default_rates_are_shares_of_the_closed_loop_s_throughput() -> None:
    with fake_service() as (url, _):
        given, shares = (
            measure_open_loop(
                url, "/compress", [b"photo"], rates,
                closed_per_s=40.0, seconds=0.25, warm_up_s=0.0, processes=None,
            )
            for rates in ([20.0, 40.0], None)
        )  # fmt: skip
    assert [rate["offered_images_per_s"] for rate in given["rates"]] == [20.0, 40.0]
    assert [rate["share_of_closed_loop"] for rate in given["rates"]] == [0.5, 1.0]
    assert [rate["share_of_closed_loop"] for rate in shares["rates"]] == pytest.approx(SHARES)
    for rate in shares["rates"]:
        # The processes of a service that was not started here are unknown.
        assert rate["cpu_ms_per_image"] == {}
        assert rate["gpu_percent"] is None
        assert rate["mean_batch"] == 2.0


def test_without_metrics_the_mean_batch_is_none() -> None:
    with fake_service(metrics_status=401) as (url, _):
        assert measured(url, 20.0, seconds=0.2)["mean_batch"] is None
