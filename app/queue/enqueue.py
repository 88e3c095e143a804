"""Puts jobs into RQ's queue with the commands that RQ itself creates."""

import asyncio
from typing import Any, Final

from redis.asyncio.client import Pipeline
from rq import Retry
from rq.queue import Queue
from rq.serializers import JSONSerializer

from app.redis import connect_sync
from contract.keys import JOB_FUNCTION, MAX_RETRIES, QUEUE_NAME
from contract.messages import Request

# A worker ends itself when a job runs longer than this limit. If the client waits a shorter time, the
# limit is a share of that time, so that the next worker can still finish the other photos.
JOB_TIMEOUT_S: Final = 120
JOB_TIMEOUT_SHARE: Final = 0.75


class Enqueuer:
    """Adds jobs to RQ's queue; their results are kept for ``result_ttl_s``."""

    def __init__(self, redis_url: str, *, result_ttl_s: int) -> None:
        # RQ needs a synchronous client, which it asks once for the server's version. Its commands
        # go to an asynchronous pipeline.
        self.queue = Queue(
            QUEUE_NAME, connection=connect_sync(redis_url), serializer=JSONSerializer
        )
        self._result_ttl_s = result_ttl_s

    async def prepare(self) -> None:
        """Ask the server for its version unless RQ knows it.

        Raises:
            RedisError: when Redis can't be reached.
        """
        if not self.queue.redis_server_version:
            await asyncio.to_thread(self.queue.get_redis_server_version)

    def add(self, pipeline: Pipeline, job_id: str, request: Request, wait_s: float) -> None:
        """Add a job whose client waits for ``wait_s`` to ``pipeline``; call ``prepare`` before."""
        arguments: dict[str, Any] = {
            "timeout": max(1, min(JOB_TIMEOUT_S, int(JOB_TIMEOUT_SHARE * wait_s))),
            "ttl": job_ttl_s(wait_s),
            "result_ttl": self._result_ttl_s,
            "failure_ttl": self._result_ttl_s,
            "description": "compress",
            "retry": Retry(max=MAX_RETRIES, enqueue_at_front=True),
        }
        job = Queue.prepare_data(
            JOB_FUNCTION, kwargs={"request": request.to_json()}, job_id=job_id, **arguments
        )
        self.queue.enqueue_many([job], pipeline=pipeline)  # type: ignore[arg-type]  # any pipeline

    def close(self) -> None:
        """Close the connection."""
        self.queue.connection.close()


def job_ttl_s(wait_s: float) -> int:
    """Return how long a job and its input stay in Redis when its client waits for ``wait_s``."""
    return int(wait_s) + JOB_TIMEOUT_S
