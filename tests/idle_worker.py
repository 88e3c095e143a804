"""A registered worker that takes no jobs."""

from redis import Redis
from rq.queue import Queue
from rq.serializers import JSONSerializer
from rq.worker import SimpleWorker

from contract.keys import QUEUE_NAME


def register_worker(connection: Redis, **fields: str | float) -> SimpleWorker:
    """Register a worker with RQ, with fields of its own; front ends take it for a live one."""
    queue = Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)
    worker = SimpleWorker([queue], connection=connection, serializer=JSONSerializer)
    worker.register_birth()
    if fields:
        connection.hset(worker.key, mapping=fields)
    return worker
