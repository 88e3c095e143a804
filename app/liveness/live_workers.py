"""The versions of the live workers on RQ's list."""

from collections.abc import Awaitable
from typing import cast

from redis.asyncio import Redis

from contract.keys import VERSION_FIELD, WORKERS_KEY


async def read_versions(connection: Redis) -> list[str]:
    """Return the version of the results of each live worker, "" if it is unknown.

    A worker registers after its warm-up. Its key expires when it sends no more heartbeats.

    Raises:
        RedisError: when Redis can't be reached.
    """
    keys = await cast("Awaitable[set[bytes]]", connection.smembers(WORKERS_KEY))
    if not keys:
        return []
    async with connection.pipeline(transaction=False) as pipeline:
        for key in keys:
            pipeline.hmget(key, ["last_heartbeat", VERSION_FIELD])
        workers = await pipeline.execute()
    return [(version or b"").decode() for heartbeat, version in workers if heartbeat]
