"""Returns the jobs of a dead worker to the queue.

RQ also does this, but minutes later: after the job's timeout and RQ's next maintenance.
"""

import logging
import time

from redis import Redis
from rq.exceptions import NoSuchJobError
from rq.executions import Execution
from rq.job import Job, JobStatus
from rq.queue import Queue
from rq.serializers import JSONSerializer
from rq.utils import as_text
from rq.worker import SimpleWorker

from contract.errors import InternalError
from contract.intermediate import leave_intermediate
from contract.keys import (
    QUEUE_NAME,
    WORKERS_KEY,
    input_key,
    recovery_lock_key,
    reply_key,
    worker_executions_key,
    worker_key,
)
from contract.messages import Failure, Request, encode_reply

log = logging.getLogger(__name__)

# A live worker takes a job off the intermediate list within milliseconds.
INTERMEDIATE_GRACE_S = 1.0
# The supervisor and front ends may find the same worker dead; only one of them recovers its jobs.
LOCK_TTL_S = 30


def recover(connection: Redis, worker_name: str, *, failure_ttl_s: int) -> int:
    """Requeue the jobs that a dead worker held, and take the worker off RQ's list.

    Return how many jobs were requeued, 0 while another process recovers this worker. A job without
    retries left fails, because several workers have died while they ran it.

    Raises:
        RedisError: when Redis can't be reached.
    """
    lock_key = recovery_lock_key(worker_name)
    if not connection.set(lock_key, b"", nx=True, ex=LOCK_TTL_S):
        return 0
    try:
        return requeue_all(connection, worker_name, failure_ttl_s)
    finally:
        connection.delete(lock_key)


def requeue_all(connection: Redis, worker_name: str, failure_ttl_s: int) -> int:
    """Do the work of ``recover``, which holds the lock."""
    queue = Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)
    running = connection.smembers(worker_executions_key(worker_name))
    composite_keys = [as_text(raw) for raw in running]
    requeued = sum(
        requeue(queue, Execution.from_composite_key(composite, connection), failure_ttl_s)
        for composite in composite_keys
    )
    deregister(queue, worker_name)
    # RQ deregisters no worker whose entry has expired.
    connection.srem(WORKERS_KEY, worker_key(worker_name))
    return requeued + requeue_intermediate(queue)


def requeue(queue: Queue, execution: Execution, failure_ttl_s: int) -> bool:
    """Delete one execution and requeue or fail its job; return whether the job was requeued."""
    try:
        job = Job.fetch(execution.job_id, connection=queue.connection, serializer=queue.serializer)
        execution.refresh()
    except (NoSuchJobError, ValueError):
        return False
    may_retry = job.should_retry
    with queue.connection.pipeline() as pipeline:
        execution.delete(job, pipeline)
        leave_intermediate(job.id, pipeline)
        if job.get_status(refresh=False) in {JobStatus.FINISHED, JobStatus.FAILED}:
            may_retry = False
        elif may_retry:
            job.retry(queue, pipeline)
        else:
            fail(queue, job, failure_ttl_s)
        pipeline.execute()
    return bool(may_retry)


def fail(queue: Queue, job: Job, failure_ttl_s: int) -> None:
    """Record that a job has failed because all its workers died, and reply to its front end."""
    reason = "Every worker that ran this job died."
    log.error("job %s: %s", job.id, reason)
    with queue.connection.pipeline() as pipeline:
        job.set_status(JobStatus.FAILED, pipeline=pipeline)
        queue.failed_job_registry.add(job, ttl=failure_ttl_s, exc_string=reason, pipeline=pipeline)
        pipeline.expire(job.key, failure_ttl_s)
        pipeline.delete(input_key(job.id))
        try:
            to = reply_key(Request.from_json(job.kwargs["request"]).reply_to)
        except (KeyError, ValueError):
            log.exception("job %s carries no valid request, so no front end gets a reply", job.id)
        else:
            failure = Failure(job.id, InternalError.code, "The photo could not be compressed.")
            pipeline.rpush(to, encode_reply(failure))
            pipeline.expire(to, failure_ttl_s)
        pipeline.execute()


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
    stuck = set(queue.intermediate_queue.get_job_ids())
    if not stuck:
        return 0
    time.sleep(INTERMEDIATE_GRACE_S)
    stuck &= set(queue.intermediate_queue.get_job_ids())
    return requeue_stuck(queue, stuck)


def requeue_stuck(queue: Queue, job_ids: set[str]) -> int:
    """Move jobs from RQ's intermediate list to the front of the queue, except those that run.

    Return how many.
    """
    stuck = job_ids - set(queue.started_job_registry.get_job_ids(cleanup=False))
    for job_id in stuck:
        with queue.connection.pipeline() as pipeline:
            leave_intermediate(job_id, pipeline)
            if Job.exists(job_id, connection=queue.connection):
                queue.push_job_id(job_id, pipeline=pipeline, at_front=True)
            pipeline.execute()
    return len(stuck)
