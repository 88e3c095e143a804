"""Sets the metrics that are read when Prometheus asks for them."""

import asyncio

from redis.exceptions import RedisError

from app.service.front_end import Service
from app.telemetry.shared_metrics import SharedValues, WorkerGauges


async def scrape(service: Service) -> bytes:
    """Return all metrics in Prometheus' text format."""
    metrics = service.metrics
    metrics.pending.set(service.admission.pending)
    metrics.wait.set(service.capacity.wait_s)
    try:
        metrics.queue_length.set(await service.queue.length())
        metrics.workers.set(len(await service.live_workers.read()))
        metrics.shared.values = await read_shared(service)
    except RedisError:  # unknown, not zero
        metrics.queue_length.set(float("nan"))
        metrics.workers.set(float("nan"))
        metrics.shared.values = None
    # In a thread: it reads the files of all front ends.
    return await asyncio.to_thread(metrics.expose)


async def read_shared(service: Service) -> SharedValues:
    """Return what workers and Redis report.

    Raises:
        RedisError: when Redis can't be reached.
    """
    found = await service.live_workers.read_statistics()
    return SharedValues(
        found.starts,
        found.deaths,
        found.jobs,
        tuple(
            WorkerGauges(one.name, one.memory_bytes, one.device_memory_bytes, one.open_jobs)
            for one in found.workers
        ),
        found.redis_memory_bytes,
        found.redis_max_memory_bytes,
    )
