"""Returns the jobs of a dead worker to the queue.

RQ also does this, but minutes later: after the job's timeout and RQ's next maintenance.
"""

import logging
import time
from functools import partial

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import RedisError, WatchError
from rq.exceptions import NoSuchJobError
from rq.executions import Execution
from rq.job import Job, JobStatus
from rq.queue import Queue
from rq.serializers import JSONSerializer
from rq.worker import SimpleWorker

from app.liveness.entries import read_texts
from contract.errors import InternalError
from contract.intermediate import leave_intermediate, put_back
from contract.keys import (
    DEATHS_FIELD,
    INTERMEDIATE_KEY,
    QUEUE_NAME,
    RECORD_TTL_FACTOR,
    STARTED_KEY,
    TOTALS_KEY,
    TOTALS_TTL_S,
    WORKERS_KEY,
    input_key,
    record_key,
    reply_key,
    worker_executions_key,
    worker_key,
)
from contract.messages import Failure, Request, encode_reply

log = logging.getLogger(__name__)

# A live worker takes a job off the intermediate list within milliseconds.
INTERMEDIATE_GRACE_S = 1.0


def recover(connection: Redis, worker_name: str, *, failure_ttl_s: int) -> int:
    """Requeue the jobs that a dead worker held, and take the worker off RQ's list.

    Return how many jobs were requeued. Several processes may do this at once: each job is requeued
    once. A job without retries left fails, because several workers have died while they ran it.

    Raises:
        RedisError: when Redis can't be reached.
    """
    queue = Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)
    key = worker_executions_key(worker_name)
    running = read_texts(connection.smembers(key), partial(connection.srem, key), key)
    requeued = sum(
        requeue(queue, worker_name, composite_key, failure_ttl_s) for composite_key in running
    )
    # Before RQ does it: of several processes only one finds the worker on the list, and counts it. A
    # worker that ended by itself has left the list. RQ deregisters no worker whose entry has expired.
    if connection.srem(WORKERS_KEY, worker_key(worker_name)):
        connection.hincrby(TOTALS_KEY, DEATHS_FIELD, 1)
        connection.expire(TOTALS_KEY, TOTALS_TTL_S)
    deregister(queue, worker_name)
    return requeued + requeue_intermediate(queue)


def requeue(queue: Queue, worker_name: str, composite_key: str, failure_ttl_s: int) -> bool:
    """Delete one execution and requeue or fail its job; return whether the job was requeued.

    All of it happens only while the execution is among those of the worker.
    """
    executions = worker_executions_key(worker_name)
    while True:
        try:
            with queue.connection.pipeline() as pipeline:
                pipeline.watch(executions)  # type: ignore[no-untyped-call]
                if not pipeline.sismember(executions, composite_key):
                    return False
                pipeline.multi()
                may_retry = add_requeue(pipeline, queue, composite_key, failure_ttl_s)
                pipeline.execute()
                return may_retry
        except WatchError:
            # Another process has requeued a job of this worker, or the worker lives.
            continue
        except RedisError:
            raise
        except Exception:  # RQ raises several kinds for data that it can't read
            log.exception("an execution of worker %s can't be read; dropping it", worker_name)
            queue.connection.srem(executions, composite_key)
            return False


def add_requeue(pipeline: Pipeline, queue: Queue, composite_key: str, failure_ttl_s: int) -> bool:
    """Add the commands of ``requeue`` to ``pipeline``; return whether they requeue the job."""
    execution = Execution.from_composite_key(composite_key, queue.connection)
    try:
        job = Job.fetch(execution.job_id, connection=queue.connection, serializer=queue.serializer)
        execution.refresh()
    except NoSuchJobError:
        return False
    may_retry = job.should_retry
    execution.delete(job, pipeline)
    leave_intermediate(job.id, pipeline)
    if job.get_status(refresh=False) in {JobStatus.FINISHED, JobStatus.FAILED}:
        return False
    if may_retry:
        job.retry(queue, pipeline)
    else:
        add_failure(pipeline, queue, job, failure_ttl_s)
    return bool(may_retry)


def add_failure(pipeline: Pipeline, queue: Queue, job: Job, failure_ttl_s: int) -> None:
    """Add commands that record a job as failed, as all its workers died, and reply to its front end."""
    reason = "Every worker that ran this job died."
    log.error("job %s: %s", job.id, reason)
    job.set_status(JobStatus.FAILED, pipeline=pipeline)
    queue.failed_job_registry.add(job, ttl=failure_ttl_s, exc_string=reason, pipeline=pipeline)
    pipeline.expire(job.key, failure_ttl_s)
    pipeline.delete(input_key(job.id))
    try:
        request = Request.from_json(job.kwargs["request"])
    except Exception:  # as above
        log.exception("job %s carries no valid request, so no front end gets a reply", job.id)
        return
    to = reply_key(request.reply_to)
    failure = Failure(
        job.id,
        InternalError.code,
        "The photo could not be compressed.",
        submitted_unix_s=request.submitted_unix_s,
        started_unix_s=job.started_at.timestamp() if job.started_at else None,
    )
    # A reply that is lost with a cut connection is read from the record.
    ttl_s = RECORD_TTL_FACTOR * failure_ttl_s
    pipeline.set(record_key(job.id), encode_reply(failure), ex=ttl_s, nx=True)
    pipeline.rpush(to, encode_reply(failure))
    pipeline.expire(to, failure_ttl_s)


def deregister(queue: Queue, worker_name: str) -> None:
    """Record the end of a worker, as RQ's worker does when it ends by itself."""
    worker = SimpleWorker.find_by_key(
        worker_key(worker_name), connection=queue.connection, serializer=queue.serializer
    )
    if worker is not None:
        worker.register_death()


def requeue_intermediate(queue: Queue) -> int:
    """Requeue jobs that were taken from the queue and never started; return how many.

    All workers share RQ's intermediate list. The pause lets live workers start the jobs that they
    have just taken.
    """
    stuck = read_intermediate(queue.connection)
    if not stuck:
        return 0
    time.sleep(INTERMEDIATE_GRACE_S)
    stuck &= read_intermediate(queue.connection)
    return requeue_stuck(queue, stuck)


def requeue_stuck(queue: Queue, job_ids: set[str]) -> int:
    """Move jobs from RQ's intermediate list to the front of the queue, except those that run.

    Return how many.
    """
    stuck = job_ids - read_started(queue.connection)
    return put_back([*stuck], queue.connection) if stuck else 0


def read_intermediate(connection: Redis) -> set[str]:
    """Return the ids on RQ's intermediate list."""
    return set(
        read_texts(
            connection.lrange(INTERMEDIATE_KEY, 0, -1),
            partial(connection.lrem, INTERMEDIATE_KEY, 0),
            "RQ's intermediate list",
        )
    )


def read_started(connection: Redis) -> set[str]:
    """Return the ids of the jobs that run, by RQ's registry; a run's entry is ``job:execution``."""
    runs = read_texts(
        connection.zrange(STARTED_KEY, 0, -1),
        partial(connection.zrem, STARTED_KEY),
        "RQ's registry of started jobs",
    )
    return {run.partition(":")[0] for run in runs}
