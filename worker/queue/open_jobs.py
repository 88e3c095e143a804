"""The jobs that a worker runs now: their start, their end, and RQ's records of both."""

import logging
import time
from collections.abc import Sequence
from typing import Any

from redis.exceptions import RedisError
from rq.job import Job
from rq.queue import Queue
from rq.worker import SimpleWorker

from contract.errors import ClientError, InternalError
from contract.messages import Failure
from worker.item import Item
from worker.queue.jobs import describe_failure, to_item
from worker.queue.records import Claim, Records
from worker.queue.rq_internals import drop_callbacks, record_failure
from worker.replies import UNAVAILABLE, Replies

log = logging.getLogger(__name__)

# Good ends are collected for this long and recorded together: the client has its reply already.
RECORDS_PAUSE_S = 0.2


class OpenJobs:
    """Jobs from their start until RQ's record of their end is written."""

    def __init__(
        self, worker: SimpleWorker, queue: Queue, records: Records, replies: Replies
    ) -> None:
        self._worker = worker
        self._queue = queue
        self._records = records
        self._replies = replies
        self._open: dict[str, Claim] = {}
        self._ended: list[Item] = []
        # Why jobs that carry no valid request could not be run, by id.
        self._invalid: dict[str, Exception] = {}
        self._record_at_s = 0.0

    def __len__(self) -> int:
        return len(self._open)

    @property
    def has_ended(self) -> bool:
        """Whether ends wait to be recorded."""
        return bool(self._ended or self._invalid)

    def shortest_timeout_s(self) -> float:
        """Return the shortest time limit of the open jobs, infinity without jobs."""
        limits_s = (claim.job.timeout or Queue.DEFAULT_TIMEOUT for claim in self._open.values())
        return min(limits_s, default=float("inf"))

    def start(self, jobs: Sequence[Job]) -> list[Item]:
        """Record the start of jobs and return the items to run.

        The start is recorded before anything runs: when this worker dies, the record says what it
        held.

        Raises:
            RedisError: when Redis can't be reached, or is full; then nothing has started.
        """
        fresh = self._drop_duplicates(jobs)
        items: list[Item] = []
        if not fresh:
            return items
        for claim in self._records.start(fresh):
            drop_callbacks(claim.job)
            self._open[claim.job.id] = claim
            try:
                items.append(to_item(claim.job))
            except Exception as error:  # noqa: BLE001 - RQ raises several kinds
                self._invalid[claim.job.id] = error
        return items

    def end(self, items: Sequence[Item]) -> None:
        """Take items that have ended; `record` writes their records."""
        if items and not self._ended:
            self._record_at_s = time.monotonic() + RECORDS_PAUSE_S
        self._ended += items

    def is_record_due(self) -> bool:
        """Return whether to record now, rather than with the next items that end."""
        return self.has_ended and (
            bool(self._invalid)
            or len(self._ended) == len(self._open)
            or any(item.error or not item.open for item in self._ended)
            or time.monotonic() >= self._record_at_s
        )

    def record(self) -> None:
        """Reply to clients whose photos failed, and write RQ's records of all ended jobs.

        Raises:
            RedisError: when Redis can't be reached, or is full; call again.
        """
        client_errors: list[tuple[str, Failure]] = []
        finished: list[tuple[Claim, dict[str, Any]]] = []
        failed = [(self._open[job_id], error) for job_id, error in self._invalid.items()]
        for item in self._ended:
            claim = self._open.get(item.job_id)
            if claim is None:  # recorded by a call that Redis interrupted
                continue
            if isinstance(item.error, ClientError):
                client_errors.append(describe_failure(item, item.error))
                finished.append((claim, {"error": item.error.code}))
            elif item.open:
                finished.append((claim, {"ok": True}))
            elif not self._worker.connection.exists(claim.job.key):
                # Redis was emptied: RQ's methods would write parts of the job anew.
                self._records.forget(claim)
            elif item.error is None:  # withdrawn
                finished.append((claim, {"withdrawn": True}))
            else:
                failed.append((claim, item.error))
        self._replies.send_failures(client_errors)
        self._finish(finished)
        for claim, error in failed:
            self._fail(claim, error)
        for item in self._ended:
            self._open.pop(item.job_id, None)
        self._ended.clear()

    def fail_all(self, error: BaseException) -> None:
        """Record the failure of all open jobs, so that other workers run them."""
        try:
            while self._open:
                self._fail(next(iter(self._open.values())), error)
        except RedisError:
            log.warning("%d jobs could not be returned to the queue", len(self._open))
            self._open.clear()
        self._invalid.clear()
        self._ended.clear()

    def _drop_duplicates(self, jobs: Sequence[Job]) -> list[Job]:
        """Return ``jobs`` without those that run here already.

        A front end that loses its connection sends its commands again, so a job may be queued twice.
        """
        fresh: dict[str, Job] = {}
        for job in jobs:
            if job.id in self._open or job.id in fresh:
                self._queue.intermediate_queue.remove(job.id)
            else:
                fresh[job.id] = job
        return list(fresh.values())

    def _finish(self, finished: Sequence[tuple[Claim, dict[str, Any]]]) -> None:
        try:
            self._records.finish(finished)
        except UNAVAILABLE:
            raise
        except Exception:
            # The error does not say which job caused it.
            log.exception("%d jobs could not be recorded together", len(finished))
            for claim, value in finished:
                try:
                    self._records.finish([(claim, value)])
                except UNAVAILABLE:
                    raise
                except Exception as error:  # noqa: BLE001 - whatever is wrong with this one job
                    record_failure(self._worker, claim.job, self._queue, claim.execution, error)
        for claim, _ in finished:
            self._open.pop(claim.job.id, None)

    def _fail(self, claim: Claim, error: BaseException) -> None:
        """Record a defect of the service; reply when RQ won't try the job again."""
        job = claim.job
        is_last_try = not job.should_retry
        record_failure(self._worker, job, self._queue, claim.execution, error)
        if is_last_try and job.id not in self._invalid:
            defect = InternalError("The photo could not be compressed.")
            self._replies.send_failures([describe_failure(to_item(job), defect)])
        # At once: another failure in this call must not record this one again.
        self._open.pop(job.id, None)
        self._invalid.pop(job.id, None)
