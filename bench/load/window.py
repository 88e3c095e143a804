"""A window of time: CPU time of the service and of the load, batch size and GPU utilisation."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from bench.load.closed_loop import Load, Sample
from bench.load.gpu_utilisation import sample_gpu
from bench.load.service_process import Processes
from bench.load.statistics import mean_batch, read_metrics, summarize


class Window:
    """One window; read its figures afterwards. Times are seconds on the monotonic clock."""

    def __init__(self, url: str, processes: Processes | None) -> None:
        self.started_s = self.ended_s = 0.0
        self._url = url
        self._processes = processes
        self._spent_s: dict[str, float] = {}
        self._own_s = 0.0
        self._mean_batch: float | None = None
        self._gpu_percent: float | None = None

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Measure while the context is open."""
        with sample_gpu() as percent:
            metrics, cpu_s = read_metrics(self._url), self._cpu_s()
            own_s, self.started_s = time.process_time(), time.monotonic()
            yield
            self._own_s, self.ended_s = time.process_time() - own_s, time.monotonic()
            self._spent_s = {role: after - cpu_s[role] for role, after in self._cpu_s().items()}
            self._mean_batch = mean_batch(metrics, read_metrics(self._url))
            # A service given by its URL may run on another machine.
            self._gpu_percent = percent() if self._processes else None

    def ended_within(self, samples: list[Sample]) -> list[Sample]:
        """Return the samples that ended in the window."""
        return [sample for sample in samples if self.started_s <= sample.ended_s < self.ended_s]

    def figures(self, images: int) -> dict[str, Any]:
        """Return the figures; CPU times are divided by ``images``, and empty without processes."""
        each = 1e3 / (images or 1)
        return {
            "mean_batch": self._mean_batch,
            "cpu_ms_per_image": {role: each * spent for role, spent in self._spent_s.items()},
            "load_cpu_ms_per_image": each * self._own_s,
            "gpu_percent": self._gpu_percent,
        }

    def _cpu_s(self) -> dict[str, float]:
        return self._processes.cpu_s() if self._processes else {}


def measure_closed_loop(
    url: str,
    target: str,
    photos: Sequence[bytes],
    clients: int,
    *,
    seconds: float,
    warm_up_s: float,
    processes: Processes | None,
) -> dict[str, Any]:
    """Return the figures of a closed loop; its clients also send before and after the window."""
    load, window = Load(url, target, photos, clients), Window(url, processes)
    load.start()
    try:
        time.sleep(warm_up_s)
        with window.measured():
            time.sleep(seconds)
    finally:
        load.stop()
    figures = summarize(window.ended_within(load.samples), window.ended_s - window.started_s)
    figures |= window.figures(figures["images"])
    figures["peak_rss_bytes"] = processes.peak_rss_bytes() if processes else {}
    return figures
