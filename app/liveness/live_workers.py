"""The live workers on RQ's list, how fast they work, and the work that they have to do."""

import math
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from rq.job import Job

from app.liveness.statistics import Statistics, read_statistics
from app.redis import connect_health, register_script
from contract.keys import (
    COMPILING_KEY,
    INTERMEDIATE_KEY,
    PHOTO_RATE_FIELD,
    QUEUE_KEY,
    RATE_FIELD,
    STARTED_KEY,
    VERSION_FIELD,
    WORK_FIELD,
    WORKERS_KEY,
    input_key,
)

QUEUED_WORK: Final = Path(__file__).with_name("queued_work.lua")


@dataclass(frozen=True, slots=True)
class LiveWorker:
    """A worker as it describes itself; its version is "" and its rates are 0 if they are unknown.

    ``px_per_s`` is the work of all its threads together (``contract.work``), ``photo_px_per_s`` that
    on a photo which waits for no other.
    """

    version: str = ""
    px_per_s: float = 0.0
    photo_px_per_s: float = 0.0


class LiveWorkers:
    """Looks for workers over connections of its own: requests may take all others."""

    def __init__(self, redis_url: str) -> None:
        self._redis = connect_health(redis_url)
        self._queued_work = register_script(self._redis, QUEUED_WORK)

    async def read(self) -> list[LiveWorker]:
        """Return the live workers.

        A worker registers after its warm-up. Its key expires when it sends no more heartbeats.

        Raises:
            RedisError: when Redis can't be reached.
        """
        keys = await cast("Awaitable[set[bytes]]", self._redis.smembers(WORKERS_KEY))
        if not keys:
            return []
        fields = ["last_heartbeat", VERSION_FIELD, RATE_FIELD, PHOTO_RATE_FIELD]
        async with self._redis.pipeline(transaction=False) as pipeline:
            for key in keys:
                pipeline.hmget(key, fields)
            workers = await pipeline.execute(raise_on_error=False)
        # A key that is no hash has an error in place of its fields.
        readable = [fields for fields in workers if isinstance(fields, list)]
        return [
            LiveWorker((version or b"").decode(errors="replace"), *map(parse_rate, rates))
            for heartbeat, version, *rates in readable
            if heartbeat
        ]

    async def count_queued_px(self) -> int:
        """Return the work in pixels of all jobs that wait or run, of all front ends.

        Raises:
            RedisError: when Redis can't be reached.
        """
        keys = [QUEUE_KEY, INTERMEDIATE_KEY, STARTED_KEY]
        return int(
            await self._queued_work(keys=keys, args=[Job.key_for(""), input_key(""), WORK_FIELD])
        )

    async def read_compiled(self) -> tuple[int, int] | None:
        """Return how many kernels a starting worker has compiled, and of how many; None if none does.

        Raises:
            RedisError: when Redis can't be reached.
        """
        raw = await cast("Awaitable[bytes | None]", self._redis.get(COMPILING_KEY))
        compiled, _, kernels = (raw or b"").partition(b"/")
        if not (compiled.isdigit() and kernels.isdigit()):
            return None
        return int(compiled), int(kernels)

    async def read_statistics(self) -> Statistics:
        """Return what workers and Redis report about themselves.

        Raises:
            RedisError: when Redis can't be reached.
        """
        return await read_statistics(self._redis)

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()


def parse_rate(raw: bytes | None) -> float:
    """Return a rate above 0; 0 for anything else."""
    try:
        rate = float(raw or 0)
    except ValueError:
        return 0.0
    return rate if 0 < rate < math.inf else 0.0
