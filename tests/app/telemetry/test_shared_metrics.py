"""Metrics of workers and Redis are those of the last scrape; what is unknown has no sample."""

from prometheus_client import CollectorRegistry, generate_latest

from app.telemetry.shared_metrics import SharedMetrics, SharedValues, WorkerGauges

WORKERS = (WorkerGauges("a", 5, 7, 0), WorkerGauges("b", None, None, 2))


def expose(values: SharedValues | None) -> list[str]:
    registry = CollectorRegistry()
    shared = SharedMetrics()
    registry.register(shared)
    shared.values = values
    lines = generate_latest(registry).decode().splitlines()
    return [line for line in lines if not line.startswith("#")]


def test_without_redis_only_that_is_known() -> None:
    assert expose(None) == ["foveate_redis_up 0.0"]


def test_every_known_value_has_a_sample() -> None:
    assert expose(SharedValues(3, 1, {"finished": 9, "failed": 0}, WORKERS, 10, None)) == [
        "foveate_redis_up 1.0",
        "foveate_redis_memory_bytes 10.0",
        "foveate_worker_starts_total 3.0",
        "foveate_worker_deaths_total 1.0",
        'foveate_worker_jobs_total{outcome="finished"} 9.0',
        'foveate_worker_jobs_total{outcome="failed"} 0.0',
        'foveate_worker_memory_bytes{worker="a"} 5.0',
        'foveate_worker_device_memory_bytes{worker="a"} 7.0',
        'foveate_worker_open_jobs{worker="a"} 0.0',
        'foveate_worker_open_jobs{worker="b"} 2.0',
    ]
