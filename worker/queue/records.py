"""Writes RQ's records of many jobs at once: a script each for taking, starting and finishing.

``tests/worker/queue/test_records.py`` compares them with those of RQ's ``SimpleWorker``.
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from rq.exceptions import NoSuchJobError
from rq.executions import Execution
from rq.job import Job
from rq.queue import Queue
from rq.utils import as_text, current_timestamp, now, utcformat
from rq.worker import SimpleWorker

from contract.keys import INTERMEDIATE_KEY, WORKERS_KEY
from worker.queue.jobs import delete_unreadable, drop_id
from worker.queue.rq_internals import FINISH, START, TAKE


@dataclass(frozen=True, slots=True)
class StartedJob:
    """A job that this worker runs, and RQ's record of the run."""

    job: Job
    execution: Execution


class Records:
    """Takes, starts and finishes jobs of one queue for one worker."""

    def __init__(self, worker: SimpleWorker, queue: Queue) -> None:
        self._worker = worker
        self._queue = queue
        self._take = worker.connection.register_script(TAKE)
        self._start = worker.connection.register_script(START)
        self._finish = worker.connection.register_script(FINISH)
        # How many jobs all workers were running after the last `start`.
        self.in_flight = 0
        # Runs whose start may be recorded in Redis, although `start` failed; by job id.
        self._starting: dict[str, StartedJob] = {}

    def take(self, count: int) -> list[tuple[str, Job | None]]:
        """Move up to ``count`` jobs from the queue to the intermediate list.

        At most this worker's share of the queue is taken. Return each id with its job, or with None
        if Redis no longer has a record of the job.

        Raises:
            RedisError: when Redis can't be reached, or is full.
        """
        taken = self._take(
            keys=[self._queue.key, INTERMEDIATE_KEY, WORKERS_KEY], args=[count, Job.key_for("")]
        )
        version = self._queue.get_redis_server_version() if taken else None
        jobs: list[tuple[str, Job | None]] = []
        for raw_id, fields in taken:
            try:
                job_id = as_text(raw_id)
            except UnicodeDecodeError:
                drop_id(raw_id, self._worker.connection)
                continue
            job = Job(
                job_id,
                connection=self._worker.connection,
                serializer=self._queue.serializer,
            )
            try:
                job.restore(dict(zip(fields[::2], fields[1::2], strict=True)))
            except NoSuchJobError:
                jobs.append((job.id, None))
            except Exception as error:  # noqa: BLE001 - RQ raises several kinds
                delete_unreadable(job.id, error, self._worker.connection)
            else:
                job.redis_server_version = version
                jobs.append((job.id, job))
        return jobs

    def start(self, jobs: Sequence[Job]) -> list[StartedJob]:
        """Record that the worker runs ``jobs``; return those that it may run.

        The others were put back into the queue while this worker was stopped, or don't wait any more.

        Raises:
            RedisError: when Redis can't be reached, or is full; call again with all jobs.
        """
        worker, moment = self._worker, now()
        started = []
        arguments: list[Any] = []
        ttls_s = [worker.get_heartbeat_ttl(job) for job in jobs]
        for job, ttl_s in zip(jobs, ttls_s, strict=True):
            one = self._starting.get(job.id) or self._starting.setdefault(
                job.id,
                StartedJob(job, Execution(uuid4().hex, job.id, worker.connection, worker.name)),
            )
            one.execution.created_at = one.execution.last_heartbeat = moment
            started.append(one)
            arguments += [job.id, one.execution.id, ttl_s]
        self.in_flight, recorded = self._start(
            keys=[
                *(worker.key, worker.executions_key),
                *(self._queue.started_job_registry.key, INTERMEDIATE_KEY),
            ],
            args=[
                *(worker.name, max(ttls_s)),
                *(utcformat(moment), moment.timestamp(), current_timestamp()),
                *arguments,
            ],
        )
        self._starting.clear()
        started = [one for one in started if one.job.id.encode() in recorded]
        worker.executions.update({one.execution.id: one.execution for one in started})
        worker.last_heartbeat = moment
        for one in started:
            one.job.worker_name = worker.name
            one.job.started_at = one.job.last_heartbeat = moment
        return started

    def finish(self, finished: Sequence[tuple[StartedJob, dict[str, Any]]]) -> None:
        """Record that jobs have succeeded, each with its return value.

        Raises:
            RedisError: when Redis can't be reached, or is full.
        """
        if not finished:
            return
        worker, moment = self._worker, now()
        arguments: list[Any] = []
        worked_s = 0.0
        for started, value in finished:
            job, execution = started.job, started.execution
            job.ended_at = job.last_heartbeat = moment
            assert job.started_at is not None
            worked_s += (moment - job.started_at).total_seconds()
            arguments += [
                *(job.id, execution.id, execution.created_at.timestamp()),
                b64encode(job.serializer.dumps(value)),
                job.get_result_ttl(worker.default_result_ttl),
            ]
        depended_on = self._finish(
            keys=[
                *(worker.key, worker.executions_key),
                *(self._queue.started_job_registry.key, self._queue.finished_job_registry.key),
                INTERMEDIATE_KEY,
            ],
            args=[
                worker.name,
                *(utcformat(moment), moment.timestamp(), current_timestamp()),
                *(worked_s, *arguments),
            ],
        )
        for started, _ in finished:
            worker.executions.pop(started.execution.id, None)
            if started.job.id.encode() in depended_on:
                self._queue.enqueue_dependents(started.job)

    def holds(self, started: StartedJob) -> bool:
        """Return whether a job is still this worker's: it exists, and no process has requeued it.

        Raises:
            RedisError: when Redis can't be reached.
        """
        with self._worker.connection.pipeline(transaction=False) as pipeline:
            pipeline.exists(started.job.key)
            pipeline.sismember(self._worker.executions_key, started.execution.composite_key)
            return all(pipeline.execute())

    def forget(self, started: StartedJob) -> None:
        """Delete the record of a run whose job is no longer this worker's.

        Raises:
            RedisError: when Redis can't be reached.
        """
        with self._worker.connection.pipeline() as pipeline:
            self._worker.cleanup_execution(
                started.job, pipeline=pipeline, execution=started.execution
            )
            pipeline.execute()
