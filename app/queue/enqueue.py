"""The commands that put one job into RQ's queue, recorded once from RQ and filled in for each job."""

import asyncio
import zlib
from datetime import UTC, datetime
from typing import Any, Final

from redis.asyncio.client import Pipeline
from rq import Retry
from rq.queue import Queue
from rq.serializers import JSONSerializer
from rq.utils import utcformat

from app.redis import connect_sync
from contract.keys import JOB_FUNCTION, MAX_RETRIES, QUEUE_NAME
from contract.messages import Request

JOB_TIMEOUT_S: Final = 120
JOB_SHARE: Final = 0.75
SAMPLE_ID: Final = "-" * 24


class Enqueuer:
    """RQ's queue, for jobs whose results are kept for ``result_ttl_s``."""

    def __init__(self, redis_url: str, *, result_ttl_s: int) -> None:
        self.queue = Queue(
            QUEUE_NAME, connection=connect_sync(redis_url), serializer=JSONSerializer
        )
        self._result_ttl_s = result_ttl_s
        self._templates: dict[float, list[tuple[list[Any], dict[str, Any]]]] = {}

    async def prepare(self) -> None:
        if not self.queue.redis_server_version:
            await asyncio.to_thread(self.queue.get_redis_server_version)

    def add(self, pipeline: Pipeline, job_id: str, request: Request, wait_s: float) -> None:
        template = self._templates.get(wait_s)
        if template is None:
            template = self._templates[wait_s] = self._record(wait_s)
        data = pack_data(request.to_json())
        now = utcformat(datetime.now(UTC))
        for arguments, options in template:
            filled = [
                data
                if a is DATA
                else now
                if a is NOW
                else a.replace(SAMPLE_ID, job_id)
                if isinstance(a, str)
                else a
                for a in arguments
            ]
            pipeline.execute_command(*filled, **options)

    def _record(self, wait_s: float) -> list[tuple[list[Any], dict[str, Any]]]:
        terms: dict[str, Any] = {
            "timeout": max(1, min(JOB_TIMEOUT_S, int(JOB_SHARE * wait_s))),
            "ttl": job_ttl_s(wait_s),
            "result_ttl": self._result_ttl_s,
            "failure_ttl": self._result_ttl_s,
            "description": "compress",
            "retry": Retry(max=MAX_RETRIES, enqueue_at_front=True),
        }
        job = Queue.prepare_data(JOB_FUNCTION, kwargs={"request": {}}, job_id=SAMPLE_ID, **terms)
        sample = pack_data({})
        with self.queue.connection.pipeline() as pipeline:
            self.queue.enqueue_many([job], pipeline=pipeline)
            return [
                ([mark(a, sample) for a in arguments], options)
                for arguments, options in pipeline.command_stack
            ]

    def close(self) -> None:
        self.queue.connection.close()


DATA = object()
NOW = object()


def mark(argument: Any, sample: bytes) -> Any:
    if argument == sample:
        return DATA
    if isinstance(argument, str) and len(argument) == 27 and argument.endswith("Z"):
        return NOW
    return argument


def pack_data(request: dict[str, Any]) -> bytes:
    return zlib.compress(JSONSerializer.dumps((JOB_FUNCTION, None, (), {"request": request})))


def job_ttl_s(wait_s: float) -> int:
    """Return how long a job and its input stay in Redis when its client waits for ``wait_s``."""
    return int(wait_s) + JOB_TIMEOUT_S
