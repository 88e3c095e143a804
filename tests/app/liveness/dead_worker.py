"""A worker that dies in the middle of its jobs."""

import time

from redis import Redis
from rq import Retry
from rq.queue import Queue
from rq.serializers import JSONSerializer
from rq.worker import SimpleWorker

from contract.keys import JOB_FUNCTION, QUEUE_NAME, input_key
from contract.messages import Options, Request


def enqueue(connection: Redis, count: int, retries: int) -> Queue:
    """Queue jobs ``job-0`` and so on, each with an input; return the queue."""
    queue = Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)
    for number in range(count):
        request = Request(Options(), "me", 1, 1, time.time(), time.time() + 60)
        queue.enqueue(
            JOB_FUNCTION,
            kwargs={"request": request.to_json()},
            job_id=f"job-{number}",
            retry=Retry(max=retries, enqueue_at_front=True) if retries else None,
        )
        connection.set(input_key(f"job-{number}"), b"data")
    return queue


def die_with(queue: Queue, count: int) -> str:
    """Register a worker, start ``count`` jobs and do nothing more; return the worker's name."""
    worker = SimpleWorker(
        [queue], name="dead", connection=queue.connection, serializer=JSONSerializer
    )
    worker.register_birth()
    for _ in range(count):
        found = worker.dequeue_job_and_maintain_ttl(None)
        assert found is not None
        worker.prepare_execution(found[0])
        worker.prepare_job_execution(found[0], remove_from_intermediate_queue=True)
    return worker.name
