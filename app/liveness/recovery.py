"""Puts a dead worker's jobs back into the queue at once.

RQ alone would notice after the job's timeout and its next maintenance, minutes later.
"""

import logging
import time

from redis import Redis
from redis.client import Pipeline
from rq.exceptions import NoSuchJobError
from rq.executions import WORKER_EXECUTIONS_KEY_TEMPLATE, Execution
from rq.job import Job, JobStatus
from rq.queue import Queue
from rq.serializers import JSONSerializer
from rq.utils import as_text
from rq.worker import SimpleWorker
from rq.worker_registration import WORKERS_BY_QUEUE_KEY

from contract.errors import InternalError
from contract.keys import QUEUE_NAME, input_key, reply_key
from contract.messages import Failure, Request, encode_reply

log = logging.getLogger(__name__)

# A live worker moves a job on from the intermediate list within milliseconds.
INTERMEDIATE_GRACE_S = 1.0
# Supervisor and front ends may find the same worker dead; one of them puts its jobs back.
LOCK_TTL_S = 30


def recover(connection: Redis, worker_name: str, *, failure_ttl_s: int) -> int:
    """Requeue what ``worker_name`` held when it died, and take it off RQ's list of workers.

    A job without retries left ends in a failure: it has taken several workers with it. Returns
    how many jobs went back, 0 when somebody else is at it.
    """
    lock_key = f"foveate:recovering:{worker_name}"
    if not connection.set(lock_key, b"", nx=True, ex=LOCK_TTL_S):
        return 0
    try:
        return requeue_all(connection, worker_name, failure_ttl_s)
    finally:
        connection.delete(lock_key)


def requeue_all(connection: Redis, worker_name: str, failure_ttl_s: int) -> int:
    """Do what `recover` says, without asking whether somebody else does."""
    queue = Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)
    key = WORKER_EXECUTIONS_KEY_TEMPLATE.format(worker_name)
    composite_keys = [as_text(raw) for raw in connection.smembers(key)]
    requeued = sum(
        requeue(queue, Execution.from_composite_key(composite, connection), failure_ttl_s)
        for composite in composite_keys
    )
    deregister(queue, worker_name)
    # Of one whose entry had expired already RQ would find nothing to take off.
    worker_key = f"{SimpleWorker.redis_worker_namespace_prefix}{worker_name}"
    connection.srem(WORKERS_BY_QUEUE_KEY % QUEUE_NAME, worker_key)
    return requeued + rescue_intermediate(queue)


def requeue(queue: Queue, execution: Execution, failure_ttl_s: int) -> bool:
    """Undo one execution; return whether its job went back to the queue."""
    try:
        job = Job.fetch(execution.job_id, connection=queue.connection, serializer=queue.serializer)
        execution.refresh()
    except (NoSuchJobError, ValueError):
        return False
    again = job.should_retry
    with queue.connection.pipeline() as pipeline:
        execution.delete(job, pipeline)
        leave_intermediate(queue, job.id, pipeline)
        if job.get_status(refresh=False) in {JobStatus.FINISHED, JobStatus.FAILED}:
            again = False
        elif again:
            job.retry(queue, pipeline)
        else:
            give_up(queue, job, failure_ttl_s)
        pipeline.execute()
    return bool(again)


def give_up(queue: Queue, job: Job, failure_ttl_s: int) -> None:
    """End a job whose workers died one after the other, and tell who waits for it."""
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
            log.exception("job %s names nobody to reply to", job.id)
        else:
            failure = Failure(job.id, InternalError.code, "The photo could not be compressed.")
            pipeline.rpush(to, encode_reply(failure))
            pipeline.expire(to, failure_ttl_s)
        pipeline.execute()


def deregister(queue: Queue, worker_name: str) -> None:
    """Write the death that the worker had no time to write."""
    worker = SimpleWorker.find_by_key(
        f"{SimpleWorker.redis_worker_namespace_prefix}{worker_name}",
        connection=queue.connection,
        serializer=queue.serializer,
    )
    if worker is not None:
        worker.register_death()


def rescue_intermediate(queue: Queue) -> int:
    """Requeue jobs that were taken off the queue and never started; return how many.

    The list belongs to all workers of the queue, so what a live one is about to start is given
    time to leave it.
    """
    stuck = set(queue.intermediate_queue.get_job_ids())
    if not stuck:
        return 0
    time.sleep(INTERMEDIATE_GRACE_S)
    stuck &= set(queue.intermediate_queue.get_job_ids())
    return put_back_stuck(queue, stuck)


def leave_intermediate(queue: Queue, job_id: str, pipeline: Pipeline) -> None:
    """Take a job off RQ's intermediate list, with the mark that RQ's maintenance may have made.

    RQ fails a job that is on the list a minute after its mark, however often it has left it since.
    """
    pipeline.lrem(queue.intermediate_queue_key, 1, job_id)
    pipeline.delete(queue.intermediate_queue.get_first_seen_key(job_id))


def put_back_stuck(queue: Queue, job_ids: set[str]) -> int:
    """Return jobs from RQ's intermediate list to the front of the queue, but those that run."""
    stuck = job_ids - set(queue.started_job_registry.get_job_ids(cleanup=False))
    for job_id in stuck:
        with queue.connection.pipeline() as pipeline:
            leave_intermediate(queue, job_id, pipeline)
            if Job.exists(job_id, connection=queue.connection):
                queue.push_job_id(job_id, pipeline=pipeline, at_front=True)
            pipeline.execute()
    return len(stuck)
