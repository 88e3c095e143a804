"""Which workers are alive, as a front end sees it in RQ's list of them."""

from collections.abc import Awaitable
from typing import cast

from redis.asyncio import Redis
from rq.worker_registration import WORKERS_BY_QUEUE_KEY

from contract.keys import QUEUE_NAME, VERSION_FIELD


async def read_versions(connection: Redis) -> list[str]:
    """Return the version of results of each worker alive, "" where one is unknown.

    A worker registers once its model is warm, and its key expires when it stops to report.

    Raises:
        RedisError: when Redis doesn't answer.
    """
    keys = await cast(
        "Awaitable[set[bytes]]", connection.smembers(WORKERS_BY_QUEUE_KEY % QUEUE_NAME)
    )
    if not keys:
        return []
    async with connection.pipeline(transaction=False) as pipeline:
        for key in keys:
            pipeline.hmget(key, ["last_heartbeat", VERSION_FIELD])
        workers = await pipeline.execute()
    return [(version or b"").decode() for heartbeat, version in workers if heartbeat]
