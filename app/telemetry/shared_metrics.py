"""Metrics that every front end reports alike: those of the workers and of Redis.

They are read from Redis for each scrape, so workers need no port of their own, and Prometheus needs
no list of workers.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


@dataclass(frozen=True, slots=True)
class WorkerGauges:
    """The gauges of one worker; None is unknown."""

    name: str
    memory_bytes: int | None
    device_memory_bytes: int | None
    open_jobs: int | None


@dataclass(frozen=True, slots=True)
class SharedValues:
    """The values of one scrape; None is unknown."""

    starts: int | None = None
    deaths: int | None = None
    jobs: dict[str, int] = field(default_factory=dict)
    workers: tuple[WorkerGauges, ...] = ()
    redis_memory_bytes: int | None = None
    redis_max_memory_bytes: int | None = None


class SharedMetrics(Collector):
    """Reports the last ``values``; without them, only that Redis does not respond."""

    def __init__(self) -> None:
        self.values: SharedValues | None = None

    def collect(self) -> Iterator[Metric]:
        """Return the families, also those without a sample."""
        values = self.values or SharedValues()
        is_up = self.values is not None
        yield gauge("foveate_redis_up", "1 if Redis responds, else 0", float(is_up))
        yield gauge(
            "foveate_redis_memory_bytes",
            "Memory that Redis uses",
            values.redis_memory_bytes,
        )
        yield gauge(
            "foveate_redis_max_memory_bytes",
            "Redis' limit on its memory",
            values.redis_max_memory_bytes,
        )
        yield counter("foveate_worker_starts", "Starts of workers that became ready", values.starts)
        yield counter(
            "foveate_worker_deaths",
            "Ends of workers that did not end by themselves",
            values.deaths,
        )
        jobs = CounterMetricFamily(
            "foveate_worker_jobs", "Jobs that ended in a worker", labels=["outcome"]
        )
        for outcome, count in values.jobs.items():
            jobs.add_metric([outcome], count)
        yield jobs
        yield from collect_workers(values.workers)


def collect_workers(workers: tuple[WorkerGauges, ...]) -> Iterator[Metric]:
    """Return the families with one sample for each worker."""
    memory = GaugeMetricFamily(
        "foveate_worker_memory_bytes", "Memory of a worker's process", labels=["worker"]
    )
    device_memory = GaugeMetricFamily(
        "foveate_worker_device_memory_bytes",
        "GPU memory that a worker has reserved",
        labels=["worker"],
    )
    open_jobs = GaugeMetricFamily(
        "foveate_worker_open_jobs", "Jobs that a worker holds", labels=["worker"]
    )
    for worker in workers:
        for family, value in (
            (memory, worker.memory_bytes),
            (device_memory, worker.device_memory_bytes),
            (open_jobs, worker.open_jobs),
        ):
            if value is not None:
                family.add_metric([worker.name], value)
    yield from (memory, device_memory, open_jobs)


def gauge(name: str, text: str, value: float | None) -> Metric:
    """Return a family with one sample, without one if ``value`` is None."""
    return GaugeMetricFamily(name, text, value=value)


def counter(name: str, text: str, value: float | None) -> Metric:
    """As `gauge`, for a counter."""
    return CounterMetricFamily(name, text, value=value)
