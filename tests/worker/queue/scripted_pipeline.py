"""A pipeline whose items end as the test says, for tests of the worker that uses it."""

import time
from collections.abc import Sequence
from typing import Any

from redis import Redis
from rq import Retry
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer

from contract.errors import CorruptImageError, QueueFullError
from contract.keys import QUEUE_NAME, input_key
from contract.messages import Options, Request
from tests.worker.queue import stock_job
from worker.item import Item
from worker.queue.batch_worker import BatchWorker

JOB_NAME = f"{stock_job.__name__}.{stock_job.compress.__name__}"


class ScriptedPipeline:
    """Ends every item as the ``reply_to`` of its request says, like ``stock_job``."""

    def __init__(self, max_open: int = 8, max_open_pixels: int = 10_000) -> None:
        # Ids of the items that were open at the same time.
        self.batches: list[list[str]] = []
        self.in_flight: list[int] = []
        self._max_open = max_open
        self._max_open_pixels = max_open_pixels
        self._items: list[Item] = []

    def submit(self, items: Sequence[Item], *, in_flight: int = 0) -> None:
        self._items += items
        self.in_flight.append(in_flight)

    def capacity(self) -> int:
        return self._max_open - len(self._items)

    def fits(self, cost_px: int) -> bool:
        open_px = sum(item.cost_px for item in self._items)
        return not self._items or open_px + cost_px <= self._max_open_pixels

    def hangs(self, _limit_s: float) -> bool:
        return False

    def rates_px_per_s(self) -> tuple[float, float]:
        return 2e7, 1e7

    def device_memory_bytes(self) -> int:
        return 3_000_000

    def last_pass_s(self) -> float:
        return 0.0

    def advance(self, _timeout_s: float) -> list[Item]:
        ended, self._items = self._items, []
        if ended:
            self.batches.append([item.job_id for item in ended])
        for item in ended:
            if item.request.reply_to == "defect":
                item.error = RuntimeError("defect")
            elif item.request.reply_to == "corrupt":
                item.error = CorruptImageError("Broken.")
            elif item.request.reply_to == "hopeless":
                item.error = QueueFullError("Too late.")
        return ended


def enqueue(connection: Redis, ends: Sequence[str], *, retries: int = 0, **options: Any) -> Queue:
    queue = Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)
    for number, end in enumerate(ends):
        request = Request(Options(), end, 1, 100, time.time(), time.time() + 60)
        queue.enqueue(
            options.get("function", JOB_NAME),
            kwargs={"request": request.to_json()},
            job_id=f"job-{number}",
            job_timeout=60,
            result_ttl=100,
            failure_ttl=100,
            retry=Retry(max=retries, enqueue_at_front=True) if retries else None,
        )
        connection.set(input_key(f"job-{number}"), b"x", ex=60)
    return queue


def batch_worker(queue: Queue, pipeline: ScriptedPipeline, version: str = "") -> BatchWorker:
    return BatchWorker(
        queue,
        pipeline,  # type: ignore[arg-type]
        result_ttl_s=100,
        version=version,
        name="worker",
        connection=queue.connection,
        serializer=JSONSerializer,
    )


def reason(job: Job) -> str:
    """Return why a job failed."""
    result = job.latest_result()
    return (result and result.exc_string) or ""
