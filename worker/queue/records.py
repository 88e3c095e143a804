"""RQ's records of many jobs at once, written by RQ's own methods on shared pipelines.

What ``SimpleWorker`` writes with several round trips for each job is written here with one for
all; ``tests/worker/queue/test_batch_worker.py`` holds the outcome to what ``SimpleWorker`` leaves behind.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import NoScriptError
from rq.exceptions import NoSuchJobError
from rq.executions import Execution
from rq.job import Job, JobStatus
from rq.queue import Queue
from rq.utils import as_text, current_timestamp, now
from rq.worker import SimpleWorker, WorkerStatus
from rq.worker_registration import WORKERS_BY_QUEUE_KEY

# KEYS: queue, intermediate list, workers of the queue. ARGV: how many at most, and what the keys of
# jobs begin with. No more than this worker's share of what waits: the others look for it as well.
# It moves nothing from an empty queue: a Redis that is full would refuse even that.
TAKE: Final = """
local taken = {}
local share = math.ceil(redis.call('LLEN', KEYS[1]) / math.max(1, redis.call('SCARD', KEYS[3])))
for i = 1, math.min(ARGV[1], share) do
  local id = redis.call('LMOVE', KEYS[1], KEYS[2], 'LEFT', 'RIGHT')
  taken[i] = {id, redis.call('HGETALL', ARGV[2] .. id)}
end
return taken
"""
TAKE_SHA: Final = hashlib.sha1(TAKE.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that this worker has taken, and RQ's record of its running here."""

    job: Job
    execution: Execution


def take(connection: Redis, queue: Queue, count: int) -> list[tuple[str, Job | None]]:
    """Move up to ``count`` jobs from the queue to its intermediate list, as RQ moves one.

    That is at most the share of what waits that falls to one of the queue's workers.

    Return each one's id with the job, or None where Redis has none of it any more.

    Raises:
        RedisError: when Redis can't be reached, or is so full that nothing can be moved.
    """
    keys = (queue.key, queue.intermediate_queue_key, WORKERS_BY_QUEUE_KEY % queue.name)
    arguments = (len(keys), *keys, count, Job.key_for(""))
    try:
        taken = connection.evalsha(TAKE_SHA, *arguments)
    except NoScriptError:
        taken = connection.eval(TAKE, *arguments)
    version = queue.get_redis_server_version() if taken else None
    jobs: list[tuple[str, Job | None]] = []
    for raw_id, fields in taken:
        job = Job(as_text(raw_id), connection=connection, serializer=queue.serializer)
        try:
            job.restore(dict(zip(fields[::2], fields[1::2], strict=True)))
        except NoSuchJobError:
            jobs.append((job.id, None))
        else:
            job.redis_server_version = version
            jobs.append((job.id, job))
    return jobs


class Bookkeeping:
    """Begins and ends jobs of one worker by RQ's own methods, many on one pipeline."""

    def __init__(self, worker: SimpleWorker) -> None:
        self.worker = worker
        # Jobs that all workers of the queue were at, with those of the last `register`.
        self.under_way = 0

    def register(self, queue: Queue, jobs: Sequence[Job]) -> list[Claim]:
        """Record that the worker runs ``jobs`` (RQ's prepare_execution and prepare_job_execution).

        Raises:
            RedisError: when Redis can't be reached or is full; then nothing is recorded.
        """
        worker = self.worker
        claims = []
        with worker.connection.pipeline() as pipeline:
            for job in jobs:
                ttl_s = worker.get_heartbeat_ttl(job)
                execution = Execution.create(job, ttl_s, pipeline, worker_name=worker.name)
                job.heartbeat(now(), ttl_s, pipeline=pipeline)
                job.prepare_for_execution(worker.name, pipeline=pipeline)
                pipeline.persist(job.key)
                leave_intermediate(queue, job.id, pipeline)
                claims.append(Claim(job, execution))
            worker.heartbeat(max(map(worker.get_heartbeat_ttl, jobs)), pipeline=pipeline)
            worker.set_state(WorkerStatus.BUSY, pipeline=pipeline)
            # Those past their time are of workers that died; RQ's maintenance takes them away.
            pipeline.zcount(queue.started_job_registry.key, current_timestamp(), "+inf")
            self.under_way = pipeline.execute()[-1]
        worker.executions.update({claim.execution.id: claim.execution for claim in claims})
        return claims

    def finish(self, queue: Queue, finished: Sequence[tuple[Claim, dict[str, Any]]]) -> None:
        """Record that jobs have ended with these values (RQ's _finalize_success).

        A job that asks for more than its records is ended by RQ's own method.

        Raises:
            RedisError: when Redis can't be reached or is full.
        """
        plain = [(claim, value) for claim, value in finished if self._is_plain(claim.job)]
        if plain:
            self._finish_plain(queue, plain)
        for claim, value in finished:
            if not self._is_plain(claim.job):
                self.worker._finalize_success(claim.job, queue, claim.execution, value)  # noqa: SLF001

    def forget(self, claim: Claim) -> None:
        """Take back the record of a job that Redis knows no more: nothing may come back of it."""
        with self.worker.connection.pipeline() as pipeline:
            self.worker.cleanup_execution(claim.job, pipeline=pipeline, execution=claim.execution)
            pipeline.execute()

    def _finish_plain(self, queue: Queue, finished: Sequence[tuple[Claim, dict[str, Any]]]) -> None:
        worker = self.worker
        spots = []
        with worker.connection.pipeline() as pipeline:
            for claim, value in finished:
                job, execution = claim.job, claim.execution
                job.ended_at = now()
                job.heartbeat(job.ended_at, job.success_callback_timeout, pipeline=pipeline)
                job._result = value  # noqa: SLF001
                worker.increment_successful_job_count(pipeline)
                assert job.started_at is not None
                worker.increment_total_working_time(job.ended_at - job.started_at, pipeline)
                ttl_s = job.get_result_ttl(worker.default_result_ttl)
                if ttl_s != 0:
                    job._handle_success(  # noqa: SLF001
                        ttl_s,
                        pipeline=pipeline,
                        worker_name=worker.name,
                        execution_id=execution.id,
                        execution_started_at=execution.created_at,
                        execution_ended_at=job.ended_at,
                    )
                job.cleanup(ttl_s, pipeline=pipeline, remove_from_queue=False)
                job._status = JobStatus.FINISHED  # noqa: SLF001
                worker.cleanup_execution(job, pipeline=pipeline, execution=execution)
                leave_intermediate(queue, job.id, pipeline)
                spots.append(len(pipeline))
                pipeline.exists(job.dependents_key)
            answers = pipeline.execute()
        awaited = [claim for spot, (claim, _) in zip(spots, finished, strict=True) if answers[spot]]
        self._let_follow(queue, awaited)

    @staticmethod
    def _let_follow(queue: Queue, awaited: Sequence[Claim]) -> None:
        """Queue the jobs that wait for these, which have ended."""
        for claim in awaited:
            queue.enqueue_dependents(claim.job)

    def _is_plain(self, job: Job) -> bool:
        return is_plain(job)


def leave_intermediate(queue: Queue, job_id: str, pipeline: Pipeline) -> None:
    """Take a job off the intermediate list, with the mark that RQ's maintenance may have made.

    RQ fails a job that is on the list a minute after its mark; left there for a day, it would do
    so to one that has been put back and taken again.
    """
    pipeline.lrem(queue.intermediate_queue_key, 1, job_id)
    pipeline.delete(queue.intermediate_queue.get_first_seen_key(job_id))


def disarm(job: Job) -> None:
    """Drop what a job may name to be called at its end: whoever can write to Redis can name anything."""
    job._success_callback_name = job._failure_callback_name = None  # noqa: SLF001
    job.webhooks = []


def is_plain(job: Job) -> bool:
    """Return whether nothing is to be done at a job's end but its records, as with all of ours."""
    return not (job.repeats_left or job.has_rate_limit)
