"""The jobs that a worker runs now, from their start to RQ's record of their end."""

import logging
import time
from collections.abc import Sequence
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from rq.job import Job
from rq.queue import Queue
from rq.worker import SimpleWorker

from contract.errors import ClientError, QueueFullError
from contract.messages import Failure
from worker.item import Item
from worker.queue.jobs import describe_defect, describe_failure, to_item
from worker.queue.records import Records, StartedJob
from worker.queue.rq_internals import drop_callbacks, record_failure
from worker.replies import UNAVAILABLE, Replies

log = logging.getLogger(__name__)

# Successful ends are collected for this time and recorded together: the clients have their replies.
RECORDS_PAUSE_S = 0.2


class OpenJobs:
    """Starts jobs, and records how they ended."""

    def __init__(
        self, worker: SimpleWorker, queue: Queue, records: Records, replies: Replies
    ) -> None:
        self._worker = worker
        self._queue = queue
        self._records = records
        self._replies = replies
        self._open: dict[str, StartedJob] = {}
        self._ended: list[Item] = []
        # Errors of jobs without a valid request, by job id.
        self._invalid: dict[str, Exception] = {}
        self._record_at_s = 0.0

    def __len__(self) -> int:
        return len(self._open)

    @property
    def has_ended(self) -> bool:
        """Whether the ends of some jobs are still to be recorded."""
        return bool(self._ended or self._invalid)

    def shortest_timeout_s(self) -> float:
        """Return the shortest time limit of the open jobs, infinity without jobs."""
        limits_s = (one.job.timeout or Queue.DEFAULT_TIMEOUT for one in self._open.values())
        return min(limits_s, default=float("inf"))

    def start(self, jobs: Sequence[Job]) -> list[Item]:
        """Record the start of jobs and return the items to run.

        The start is recorded before anything runs. When this worker dies, the record names the jobs to
        run again.

        Raises:
            RedisError: when Redis can't be reached, or is full; call again with these jobs.
        """
        new_jobs = self._drop_duplicates(jobs)
        items: list[Item] = []
        if not new_jobs:
            return items
        for started in self._records.start(new_jobs):
            job = started.job
            drop_callbacks(job)
            self._open[job.id] = started
            try:
                items.append(to_item(job))
            except Exception as error:  # noqa: BLE001 - RQ raises several kinds
                self._invalid[job.id] = error
        return items

    def end(self, items: Sequence[Item]) -> None:
        """Note items that have ended; `record` writes their records."""
        if items and not self._ended:
            self._record_at_s = time.monotonic() + RECORDS_PAUSE_S
        self._ended += items

    def is_record_due(self) -> bool:
        """Return whether to record now instead of waiting for further items to end."""
        return self.has_ended and (
            bool(self._invalid)
            or len(self._ended) == len(self._open)
            or any(item.error or not item.is_open for item in self._ended)
            or time.monotonic() >= self._record_at_s
        )

    def record(self) -> None:
        """Reply to clients whose photos failed, and write RQ's records of all ended jobs.

        Raises:
            RedisError: when Redis can't be reached, or is full; call again.
        """
        told: list[tuple[str, Failure]] = []
        finished: list[tuple[StartedJob, dict[str, Any]]] = []
        failed = [(self._open[job_id], error) for job_id, error in self._invalid.items()]
        for item in self._ended:
            started = self._open.get(item.job_id)
            if started is None:  # recorded by an earlier call that a Redis error ended
                continue
            if isinstance(item.error, ClientError | QueueFullError):
                told.append(describe_failure(item, item.error))
                finished.append((started, {"error": item.error.code}))
            elif item.is_open:
                finished.append((started, {"ok": True}))
            elif not self._records.holds(started):
                # Redis was emptied, or another process has requeued the job: RQ's methods would write
                # parts of the job, or queue it again.
                self._records.forget(started)
            elif item.error is None:  # withdrawn
                finished.append((started, {"withdrawn": True}))
            else:
                failed.append((started, item.error))
        self._replies.send_failures(told)
        self._finish(finished)
        for started, error in failed:
            self._fail(started, error)
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
        """Return ``jobs`` without those that this worker already runs.

        A worker that loses its connection while RQ queues a retry sends it again.
        """
        new_jobs: dict[str, Job] = {}
        for job in jobs:
            if job.id in self._open or job.id in new_jobs:
                self._queue.intermediate_queue.remove(job.id)
            else:
                new_jobs[job.id] = job
        return list(new_jobs.values())

    def _finish(self, finished: Sequence[tuple[StartedJob, dict[str, Any]]]) -> None:
        try:
            self._records.finish(finished)
        except UNAVAILABLE:
            raise
        except Exception:
            # The error does not say which job caused it.
            log.exception("%d jobs could not be recorded together", len(finished))
            for started, value in finished:
                try:
                    self._records.finish([(started, value)])
                except UNAVAILABLE:
                    raise
                except Exception as error:  # noqa: BLE001 - the fault of this one job
                    self._record_failure(started, error)
        for started, _ in finished:
            self._open.pop(started.job.id, None)

    def _fail(self, started: StartedJob, error: BaseException) -> None:
        """Record a defect of the service; reply if RQ won't try the job again.

        A job that another process has requeued meanwhile is left to it.
        """
        job = started.job
        if not self._records.holds(started):
            self._records.forget(started)
        else:
            # First: a job whose end is recorded is not looked at again when Redis fails here.
            if not job.should_retry and (reply := describe_defect(job)):
                self._replies.send_failures([reply])
            self._record_failure(started, error)
        # Now, not after the last job: a Redis error at a later one must not record this one again.
        self._open.pop(job.id, None)
        self._invalid.pop(job.id, None)

    def _record_failure(self, started: StartedJob, error: BaseException) -> None:
        """Record a job's failure as RQ does.

        Raises:
            RedisError: when Redis can't be reached, or is full; call again.
        """
        retries_left = started.job.retries_left
        record_failure(self._worker, started.job, self._queue, started.execution, error)
        if self._records.holds(started):
            started.job.retries_left = retries_left
            raise RedisConnectionError("The failure of a job was not recorded.")
