"""An RQ worker that runs many jobs at once, in stages that overlap.

RQ's loop takes the first job and calls `BatchWorker.execute_job`. The worker then claims further jobs
itself while earlier ones run, and returns to RQ's loop when no job is open. Each job ends separately,
with the status, result, registries and retries that RQ's ``SimpleWorker`` would give it.
"""

import logging
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from redis.exceptions import OutOfMemoryError
from rq.job import Job
from rq.queue import Queue
from rq.worker import WorkerStatus

from contract.intermediate import leave_intermediate, put_back
from contract.keys import (
    DEVICE_MEMORY_FIELD,
    MEMORY_FIELD,
    OPEN_JOBS_FIELD,
    PHOTO_RATE_FIELD,
    RATE_FIELD,
    VERSION_FIELD,
)
from worker.item import Item
from worker.pipeline import Pipeline
from worker.queue.claim_timer import MAX_PAUSE_S, ClaimTimer
from worker.queue.jobs import cost_px, is_retried
from worker.queue.open_jobs import OpenJobs
from worker.queue.records import Records
from worker.queue.resilient_worker import ResilientWorker
from worker.queue.rq_internals import mark_busy
from worker.replies import Replies

log = logging.getLogger(__name__)

# After this time the worker claims no jobs until it has returned to RQ's loop, which runs maintenance
# and checks for suspension.
MAX_CLAIMING_S: Final = 15.0
# Exit code of a worker with a task that hangs: os.EX_SOFTWARE.
HUNG_EXIT_CODE: Final = 70


class BatchWorker(ResilientWorker):
    """Serves one queue. With several, RQ would not use its intermediate list.

    ``on_end`` gets the worker's name and each item that has ended; it must not raise.
    """

    def __init__(
        self,
        queue: Queue,
        pipeline: Pipeline,
        *,
        result_ttl_s: int,
        version: str = "",
        on_end: Callable[[str, Item], None] | None = None,
        **options: Any,
    ) -> None:
        super().__init__([queue], default_result_ttl=result_ttl_s, **options)
        self._version = version
        self._on_end = on_end
        self._queue = queue
        self._pipeline = pipeline
        self._records = Records(self, queue)
        self._jobs = OpenJobs(
            self, queue, self._records, Replies(self.connection, ttl_s=result_ttl_s)
        )
        self._timer = ClaimTimer()
        # Jobs that were taken from the queue and have not started yet.
        self._taken: list[Job] = []
        # Whether jobs were put back into the queue. None is claimed until an open job ends.
        self._is_full = False

    def describe(self) -> dict[Any, Any]:
        """Return the version of this worker's results, how fast it works, and what it holds."""
        px_per_s, photo_px_per_s = self._pipeline.rates_px_per_s()
        return {
            VERSION_FIELD: self._version,
            RATE_FIELD: f"{px_per_s:.0f}",
            PHOTO_RATE_FIELD: f"{photo_px_per_s:.0f}",
            MEMORY_FIELD: read_memory_bytes() or "",
            DEVICE_MEMORY_FIELD: self._pipeline.device_memory_bytes() or "",
            OPEN_JOBS_FIELD: str(len(self._jobs)),
        }

    def execute_job(self, job: Job, queue: Queue) -> None:  # noqa: ARG002 - RQ's signature
        """Run ``job`` and further jobs of the queue until none is open."""
        mark_busy(self)
        # A retried job may kill this worker, and every other open job would then lose a retry.
        runs_alone = is_retried(job)
        claiming_ends_s = time.monotonic() + MAX_CLAIMING_S
        self._taken.append(job)
        self._is_full = False
        self._timer.reset()
        try:
            while self._taken or self._jobs or self._jobs.has_ended:
                is_late = time.monotonic() > claiming_ends_s
                may_claim = not (runs_alone or self.stopping or is_late)
                self.retry_while_unavailable(partial(self._advance, may_claim=may_claim))
                self._exit_if_hung()
        except BaseException as error:
            self._jobs.fail_all(error)
            raise
        self.retry_while_unavailable(partial(self.set_state, WorkerStatus.IDLE))

    def _advance(self, *, may_claim: bool) -> None:
        """Start and claim jobs, advance the pipeline, record ends.

        Raises:
            RedisError: when Redis can't be reached, or is full; nothing is lost, call again.
        """
        try:
            self._start_taken()
            if may_claim:
                self._claim_if_due()
        except OutOfMemoryError:
            # Open jobs continue: Redis gets memory back when they end.
            if not (self._jobs or self._jobs.has_ended):
                raise
        # Without capacity there is nothing to do before a job ends, so wait longer.
        ended = self._pipeline.advance(
            self._timer.pause_s if self._pipeline.capacity() else MAX_PAUSE_S
        )
        if ended:
            for item in ended:
                self.totals.count_end(item)
                if self._on_end:
                    self._on_end(self.name, item)
            self._jobs.end(ended)
            self._is_full = False
        if self._jobs.is_record_due():
            self._jobs.record()
        self.heartbeat()

    def _start_taken(self) -> None:
        if self._taken:
            items = self._jobs.start(self._taken)
            self._taken.clear()
            for item in items:
                self._pipeline.submit([item], in_flight=self._records.in_flight)

    def _claim_if_due(self) -> None:
        if self._is_full or not self._timer.is_due() or not self._pipeline.capacity():
            return
        found = self._claim()
        last_pass_s = self._pipeline.last_pass_s() if self._jobs else 0.0
        self._timer.restart(last_pass_s, found=found)

    def _claim(self) -> bool:
        """Take jobs from the queue up to the pipeline's capacity; return whether there were any."""
        taken = self._records.take(self._pipeline.capacity())
        total_px = 0
        for number, (job_id, job) in enumerate(taken):
            if job is None:  # withdrawn, or expired while it waited
                with self.connection.pipeline() as pipeline:
                    leave_intermediate(job_id, pipeline)
                    pipeline.execute()
                continue
            total_px += cost_px(job)
            if is_retried(job) or not self._pipeline.fits(total_px):
                self._put_back([job_id for job_id, _ in taken[number:]])
                break
            self._taken.append(job)
        self._start_taken()
        return bool(taken)

    def _put_back(self, job_ids: list[str]) -> None:
        """Return jobs to the front of the queue, in their order."""
        self._is_full = True
        put_back(job_ids, self.connection)

    def _exit_if_hung(self) -> None:
        """End this process when a task has been running for longer than a job may take.

        Nothing else ends a call that hangs in native code. A front end or the supervisor finds this
        worker dead and requeues its jobs, and each is then run alone.
        """
        if self._pipeline.hangs(self._jobs.shortest_timeout_s()):
            log.critical("a task hangs; this worker ends with %d open jobs", len(self._jobs))
            sys.stderr.flush()
            os._exit(HUNG_EXIT_CODE)


def read_memory_bytes() -> int | None:
    """Return the memory of this process, None where the system does not say (other than Linux)."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
