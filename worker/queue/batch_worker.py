"""An RQ worker that runs many jobs at once, in stages that overlap.

RQ's loop takes the first job and calls this worker. The worker then takes further jobs by itself
while earlier ones run, and returns to RQ's loop when no job is open. Each job ends on its own, with
the status, result, registries and retries that RQ's ``SimpleWorker`` would give it.
"""

import logging
import os
import sys
import time
from functools import partial
from typing import Any, Final

from redis.exceptions import OutOfMemoryError
from rq.job import Job
from rq.queue import Queue
from rq.worker import WorkerStatus

from contract.intermediate import leave_intermediate
from worker.pipeline import Pipeline
from worker.queue.claim_timer import MOST_PAUSE_S, ClaimTimer
from worker.queue.jobs import cost_px, is_retried
from worker.queue.open_jobs import OpenJobs
from worker.queue.records import Records
from worker.queue.resilient_worker import ResilientWorker
from worker.queue.rq_internals import mark_busy
from worker.replies import Replies

log = logging.getLogger(__name__)

# RQ's loop runs at least this often, for its maintenance and suspension.
TURN_S: Final = 15.0
# Exit code of a worker whose work hangs: os.EX_SOFTWARE.
HUNG: Final = 70


class BatchWorker(ResilientWorker):
    """Serves one queue: only then RQ moves jobs through its intermediate list."""

    def __init__(
        self,
        queue: Queue,
        pipeline: Pipeline,
        *,
        result_ttl_s: int,
        version: str = "",
        **options: Any,
    ) -> None:
        super().__init__([queue], default_result_ttl=result_ttl_s, **options)
        self.result_version = version
        self._queue = queue
        self._pipeline = pipeline
        self._records = Records(self, queue)
        self._jobs = OpenJobs(
            self, queue, self._records, Replies(self.connection, ttl_s=result_ttl_s)
        )
        self._timer = ClaimTimer()
        # Taken from the queue and not started yet.
        self._taken: list[Job] = []
        # Whether jobs were returned to the queue: none is taken until an open one ends.
        self._is_full = False

    def execute_job(self, job: Job, queue: Queue) -> None:  # noqa: ARG002 - RQ's signature
        """Run ``job`` and those that wait behind it, until none is open."""
        mark_busy(self)
        # Beside a retried job others could be lost with it, and each would lose a retry.
        runs_alone = is_retried(job)
        turn_ends_s = time.monotonic() + TURN_S
        self._taken.append(job)
        self._is_full = False
        self._timer.reset()
        try:
            while self._taken or self._jobs or self._jobs.has_ended:
                may_claim = not (runs_alone or self.stopping or time.monotonic() > turn_ends_s)
                self.retry_while_unavailable(partial(self._advance, may_claim=may_claim))
                self._exit_if_hung()
        except BaseException as error:
            self._jobs.fail_all(error)
            raise
        self.retry_while_unavailable(partial(self.set_state, WorkerStatus.IDLE))

    def _advance(self, *, may_claim: bool) -> None:
        """Do what can be done now.

        Raises:
            RedisError: when Redis can't be reached, or is full; nothing is lost, call again.
        """
        try:
            self._start_taken()
            if may_claim:
                self._claim_if_due()
        except OutOfMemoryError:
            # Open jobs go on: their ends free memory.
            if not (self._jobs or self._jobs.has_ended):
                raise
        # Without capacity only an end can change anything, so wait longer for one.
        ended = self._pipeline.advance(
            self._timer.pause_s if self._pipeline.capacity() else MOST_PAUSE_S
        )
        if ended:
            self._jobs.end(ended)
            self._is_full = False
        if self._jobs.is_record_due():
            self._jobs.record()
        self.heartbeat_if_due()

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
        pass_s = self._pipeline.last_pass_s() if self._jobs else 0.0
        self._timer.restart(pass_s, found=found)

    def _claim(self) -> bool:
        """Take jobs from the queue up to the pipeline's capacity; return whether any waited."""
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
        with self.connection.pipeline() as pipeline:
            for job_id in reversed(job_ids):
                leave_intermediate(job_id, pipeline)
                self._queue.push_job_id(job_id, pipeline=pipeline, at_front=True)
            pipeline.execute()

    def _exit_if_hung(self) -> None:
        """End this process when one piece of work runs for longer than a job may take.

        Nothing else ends a call that hangs in native code. Whoever finds this worker dead returns its
        jobs to the queue, and each is then run alone.
        """
        if self._pipeline.longest_running_s() > self._jobs.shortest_timeout_s():
            log.critical("work hangs; this worker ends with %d open jobs", len(self._jobs))
            sys.stderr.flush()
            os._exit(HUNG)
