"""Figures of a window of time."""

from typing import Any

from bench.load.closed_loop import Connection, Sample, send
from bench.load.window import Window, measure_closed_loop
from tests.bench.load.fake_service import fake_service


class FakeProcesses:
    """Processes whose CPU time grows by 0.5 s from reading to reading."""

    def __init__(self) -> None:
        self.spent_s = 0.0

    def cpu_s(self) -> dict[str, float]:
        self.spent_s += 0.5
        return {"app": self.spent_s}


def test_cpu_time_is_that_within_the_window_per_image() -> None:
    processes: Any = FakeProcesses()
    with fake_service() as (url, _):
        window = Window(url, processes)
        with window.measured():
            connection = Connection(url)
            sample = send(connection, "/compress", b"photo")
            connection.close()
    figures = window.figures(10)
    assert figures["cpu_ms_per_image"] == {"app": 50.0}
    assert figures["load_cpu_ms_per_image"] > 0
    assert figures["mean_batch"] == 2.0
    before, after = (Sample(200, ended_s, 1.0, 1, 1, "") for ended_s in (0.0, window.ended_s))
    assert window.ended_within([before, sample, after]) == [sample]


def test_a_service_without_processes_has_no_cpu_time() -> None:
    with fake_service() as (url, _):
        window = Window(url, None)
        with window.measured():
            pass
    figures = window.figures(0)
    assert figures["cpu_ms_per_image"] == {}
    assert figures["mean_batch"] is None
    assert figures["gpu_percent"] is None


def test_a_closed_loop_counts_the_requests_that_end_in_the_window() -> None:
    with fake_service(lambda _: (200, 0.01)) as (url, service):
        figures = measure_closed_loop(
            *(url, "/compress", [b"photo"], 2), seconds=0.2, warm_up_s=0.1, processes=None
        )
        assert 0 < figures["images"] < service.requests
    assert figures["images_per_s"] == figures["images"] / figures["seconds"]
    assert figures["errors"] == figures["peak_rss_bytes"] == {}
