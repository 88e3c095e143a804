"""The live workers on RQ's list: the versions of their results and how fast they work."""

import math
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import cast

from redis.asyncio import Redis

from contract.keys import PHOTO_RATE_FIELD, RATE_FIELD, VERSION_FIELD, WORKERS_KEY


@dataclass(frozen=True, slots=True)
class LiveWorker:
    """A worker as it describes itself; its version is "" and its rates are 0 if they are unknown.

    ``px_per_s`` is the work of all its threads together (``contract.work``), ``photo_px_per_s`` that
    on a photo which waits for no other.
    """

    version: str = ""
    px_per_s: float = 0.0
    photo_px_per_s: float = 0.0


async def read_workers(connection: Redis) -> list[LiveWorker]:
    """Return the live workers.

    A worker registers after its warm-up. Its key expires when it sends no more heartbeats.

    Raises:
        RedisError: when Redis can't be reached.
    """
    keys = await cast("Awaitable[set[bytes]]", connection.smembers(WORKERS_KEY))
    if not keys:
        return []
    fields = ["last_heartbeat", VERSION_FIELD, RATE_FIELD, PHOTO_RATE_FIELD]
    async with connection.pipeline(transaction=False) as pipeline:
        for key in keys:
            pipeline.hmget(key, fields)
        workers = await pipeline.execute()
    return [
        LiveWorker((version or b"").decode(errors="replace"), *map(parse_rate, rates))
        for heartbeat, version, *rates in workers
        if heartbeat
    ]


def parse_rate(raw: bytes | None) -> float:
    """Return a rate above 0; 0 for anything else."""
    try:
        rate = float(raw or 0)
    except ValueError:
        return 0.0
    return rate if 0 < rate < math.inf else 0.0
