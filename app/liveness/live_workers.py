"""The versions of the live workers on RQ's list."""

from collections.abc import Awaitable
from typing import cast

from app.redis import connect_health
from contract.keys import VERSION_FIELD, WORKERS_KEY


class LiveWorkers:
    """Looks for workers over connections of its own: requests may take all others."""

    def __init__(self, redis_url: str) -> None:
        self._redis = connect_health(redis_url)

    async def read_versions(self) -> list[str]:
        """Return the version of the results of each live worker, "" if it is unknown.

        A worker registers after its warm-up. Its key expires when it sends no more heartbeats.

        Raises:
            RedisError: when Redis can't be reached.
        """
        keys = await cast("Awaitable[set[bytes]]", self._redis.smembers(WORKERS_KEY))
        if not keys:
            return []
        async with self._redis.pipeline(transaction=False) as pipeline:
            for key in keys:
                pipeline.hmget(key, ["last_heartbeat", VERSION_FIELD])
            workers = await pipeline.execute()
        return [(version or b"").decode(errors="replace") for beat, version in workers if beat]

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()
