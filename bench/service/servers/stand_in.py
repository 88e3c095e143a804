"""A stand-in for a worker: it replies to every job at once with the same JPEG.

Started as ``python -m bench.service.servers.stand_in REDIS_URL JPEG``.
"""

import sys
import time
from pathlib import Path
from typing import Final

from redis import Redis
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer
from rq.worker import SimpleWorker

from contract.keys import QUEUE_NAME, VERSION_FIELD, image_key, input_key, record_key, reply_key
from contract.messages import Request, Result, encode_reply

HEARTBEAT_S: Final = 1.0
MAX_BATCH_SIZE: Final = 16
TTL_S: Final = 60
STAGES: Final = ("queue", "decode", "predict", "encode")


def main() -> None:
    """Serve until killed."""
    connection = Redis.from_url(sys.argv[1])
    jpeg = Path(sys.argv[2]).read_bytes()
    queue = Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)
    worker = SimpleWorker([queue], connection=connection)
    worker.register_birth()
    connection.hset(worker.key, VERSION_FIELD, "stand-in")
    last_heartbeat_s = 0.0
    while True:
        if time.monotonic() - last_heartbeat_s > HEARTBEAT_S:
            worker.heartbeat()
            last_heartbeat_s = time.monotonic()
        popped = connection.blpop([queue.key], 1)
        if popped:
            more = connection.lpop(queue.key, MAX_BATCH_SIZE - 1) or []
            reply_to(connection, [raw.decode() for raw in (popped[1], *more)], jpeg)


def reply_to(connection: Redis, job_ids: list[str], jpeg: bytes) -> None:
    """Reply to jobs as a worker does, and delete them."""
    jobs = Job.fetch_many(job_ids, connection=connection, serializer=JSONSerializer)
    with connection.pipeline() as pipeline:
        for job in filter(None, jobs):
            request = Request.from_json(job.kwargs["request"])
            size = len(jpeg)
            result = Result(
                *(job.id, 768, 512, request.original_bytes, size, size, "stand-in", None),
                dict.fromkeys(STAGES, 1.0),
                1,
            )
            reply = encode_reply(result)
            pipeline.get(input_key(job.id))
            pipeline.delete(input_key(job.id), job.key)
            pipeline.set(image_key(job.id), jpeg, ex=TTL_S)
            pipeline.set(record_key(job.id), reply, ex=TTL_S)
            pipeline.rpush(reply_key(request.reply_to), reply)
            pipeline.expire(reply_key(request.reply_to), TTL_S)
        pipeline.execute()


if __name__ == "__main__":
    main()
