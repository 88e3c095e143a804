"""An RQ worker that runs waiting jobs as one batch.

RQ's own loop pops the first job; this worker takes what else waits, runs the network once over
all of it, and ends each job on its own through RQ's methods, so that statuses, results,
registries and retries are those of RQ's ``SimpleWorker``. Only ``execute_job`` is overridden.
"""

import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rq.executions import Execution
from rq.job import Job
from rq.queue import Queue
from rq.timeouts import JobTimeoutException
from rq.utils import as_text
from rq.worker import SimpleWorker, WorkerStatus

from contract.errors import ClientError, InternalError
from contract.keys import JOB_FUNCTION, MAX_RETRIES, VERSION_FIELD
from contract.messages import Failure, Request
from worker.pipeline import Item, Pipeline
from worker.replies import send_failure

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that this worker has taken, and RQ's record of its running here."""

    job: Job
    execution: Execution


class BatchWorker(SimpleWorker):
    """Serves exactly one queue: only then RQ moves jobs through its intermediate list."""

    def __init__(
        self,
        queue: Queue,
        pipeline: Pipeline,
        *,
        max_batch_size: int,
        max_batch_pixels: int,
        result_ttl_s: int,
        version: str = "",
        **options: Any,
    ) -> None:
        super().__init__([queue], default_result_ttl=result_ttl_s, **options)
        self._version = version
        self._pipeline = pipeline
        self._max_batch_size = max_batch_size
        self._max_batch_pixels = max_batch_pixels
        self._result_ttl_s = result_ttl_s

    def register_birth(self) -> None:
        """Register with RQ, and tell the front ends which version of results comes from here."""
        super().register_birth()  # type: ignore[no-untyped-call]
        if self._version:
            self.connection.hset(self.key, VERSION_FIELD, self._version)

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run ``job`` and what waits behind it."""
        # Registered before anything runs: whoever finds this worker dead can tell what it held.
        claims = [
            Claim(claimed, self.prepare_execution(claimed))
            for claimed in ([job] if is_retried(job) else [job, *self._take_waiting(queue)])
        ]
        batch: list[tuple[Claim, Item]] = []
        for claim in claims:
            self.prepare_job_execution(claim.job, remove_from_intermediate_queue=True)
            try:
                batch.append((claim, to_item(claim.job)))
            except Exception:  # noqa: BLE001
                self._finalize_failure(claim.job, queue, claim.execution, sys.exc_info())
        for part in cut(batch, self._max_batch_pixels):
            self._run(part, queue)
        self.set_state(WorkerStatus.IDLE)

    def _take_waiting(self, queue: Queue) -> list[Job]:
        """Return up to ``max_batch_size - 1`` more jobs, moved as RQ moves the first one."""
        with self.connection.pipeline(transaction=False) as pipeline:
            for _ in range(self._max_batch_size - 1):
                pipeline.lmove(queue.key, queue.intermediate_queue_key)
            job_ids = [as_text(raw) for raw in pipeline.execute() if raw is not None]
        jobs: list[Job] = []
        fetched = Job.fetch_many(job_ids, connection=self.connection, serializer=self.serializer)
        for number, (job_id, job) in enumerate(zip(job_ids, fetched, strict=True)):
            if job is None:  # withdrawn, or expired while it waited
                queue.intermediate_queue.remove(job_id)
            elif is_retried(job):
                # Claimed together they would share its fate, and its loss of a retry.
                self._put_back(queue, job_ids[number:])
                break
            else:
                job.redis_server_version = queue.get_redis_server_version()
                jobs.append(job)
        return jobs

    def _put_back(self, queue: Queue, job_ids: Sequence[str]) -> None:
        """Return jobs to the front of the queue, in their order."""
        with self.connection.pipeline() as pipeline:
            for job_id in reversed(job_ids):
                pipeline.lrem(queue.intermediate_queue_key, 1, job_id)
                queue.push_job_id(job_id, pipeline=pipeline, at_front=True)
            pipeline.execute()

    def _run(self, part: Sequence[tuple[Claim, Item]], queue: Queue) -> None:
        """Run one batch and end its jobs, each on its own."""
        open_claims = {item.job_id: claim for claim, item in part}
        requests = {item.job_id: item.request for _, item in part}
        timeout_s = max(claim.job.timeout or queue.DEFAULT_TIMEOUT for claim, _ in part)
        try:
            with self.death_penalty_class(timeout_s, JobTimeoutException):
                for item in self._pipeline.run([item for _, item in part]):
                    self._end(open_claims.pop(item.job_id), item, queue)
        except Exception as error:
            log.exception("a batch of %d failed as a whole", len(part))
            for job_id, claim in open_claims.items():
                self._end(claim, Item(job_id, requests[job_id], error=error), queue)

    def _end(self, claim: Claim, item: Item, queue: Queue) -> None:
        job, execution = claim.job, claim.execution
        if item.error is None:
            self._succeed(claim, queue, {"withdrawn": True} if item.withdrawn else {"ok": True})
        elif isinstance(item.error, ClientError):
            failure = Failure(
                item.job_id, item.error.code, item.error.detail, batch_size=item.batch_size
            )
            send_failure(self.connection, item.request.reply_to, failure, self._result_ttl_s)
            self._succeed(claim, queue, {"error": failure.code})
        else:
            last_try = not job.should_retry
            error = item.error
            self._finalize_failure(job, queue, execution, (type(error), error, error.__traceback__))
            if last_try:
                failure = Failure(
                    item.job_id,
                    InternalError.code,
                    "The photo could not be compressed.",
                    batch_size=item.batch_size,
                )
                send_failure(self.connection, item.request.reply_to, failure, self._result_ttl_s)

    def _succeed(self, claim: Claim, queue: Queue, value: dict[str, Any]) -> None:
        try:
            self._finalize_success(claim.job, queue, claim.execution, value)
        except Exception:  # noqa: BLE001
            self._finalize_failure(claim.job, queue, claim.execution, sys.exc_info())


def to_item(job: Job) -> Item:
    """Return the pipeline's view of a job.

    Raises:
        ValueError: when the job names another function than ours, or carries no request.
    """
    if job.func_name != JOB_FUNCTION:
        raise ValueError(f"job function {job.func_name!r} is not on the allow-list")
    return Item(job.id, Request.from_json(job.kwargs["request"]))


def is_retried(job: Job) -> bool:
    """Return whether a worker has failed at this job, or died with it."""
    return job.retries_left is not None and job.retries_left < MAX_RETRIES


def cut(
    batch: Sequence[tuple[Claim, Item]], max_batch_pixels: int
) -> Iterator[list[tuple[Claim, Item]]]:
    """Cut what was claimed into batches whose decoded pixels fit into memory."""
    part: list[tuple[Claim, Item]] = []
    pixels = 0
    for claim, item in batch:
        if part and pixels + item.request.pixels > max_batch_pixels:
            yield part
            part, pixels = [], 0
        part.append((claim, item))
        pixels += item.request.pixels
    if part:
        yield part
