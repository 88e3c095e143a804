"""A worker whose steps are single calls: take a job, store its result, reply."""

import asyncio

import redis
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer

from contract.keys import QUEUE_NAME, image_key, input_key, record_key, reply_key
from contract.messages import Reply, Request, Result, encode_reply

IMAGE = b"jpeg"


async def take_job(connection: redis.Redis) -> Job:
    """Wait for a job and take it from the queue."""
    queue = Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)
    while (job_id := connection.lpop(queue.key)) is None:
        await asyncio.sleep(0.01)
    return Job.fetch(job_id.decode(), connection=connection, serializer=JSONSerializer)


def make_result(job: Job, heatmap_type: str | None = None) -> Result:
    """Return a result of a job."""
    request = job.kwargs.get("request", {})
    submitted_unix_s = request.get("submitted_unix_s", 0.0)
    times = {"submitted_unix_s": submitted_unix_s, "started_unix_s": submitted_unix_s + 0.5}
    return Result(job.id, 1, 1, 4, 4, 4, "v", heatmap_type, {"queue": 1.0}, 1, **times)


def send(connection: redis.Redis, job: Job, reply: Reply) -> None:
    """Store the record of a job and send the reply to its front end."""
    request = Request.from_json(job.kwargs["request"])
    connection.set(record_key(job.id), encode_reply(reply), ex=30, nx=True)
    connection.rpush(reply_key(request.reply_to), encode_reply(reply))


def finish(connection: redis.Redis, job: Job, image: bytes = IMAGE) -> None:
    """Replace the input of a job by its image and send the result."""
    connection.delete(input_key(job.id))
    connection.set(image_key(job.id), image, ex=30)
    send(connection, job, make_result(job))


def list_job_keys(connection: redis.Redis) -> set[str]:
    """Return the keys that belong to single jobs."""
    return {key.decode() for key in connection.scan_iter()} - {"rq:queues"}
