"""The stand-in for a worker. test_front_end.py runs it behind a front end."""

from redis import Redis
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer

from bench.service.servers.stand_in import reply_to
from contract.keys import QUEUE_NAME, image_key, input_key, record_key, reply_key
from contract.messages import Options, Request, decode_reply


def test_each_job_gets_a_reply_and_is_deleted(connection: Redis) -> None:
    request = Request(Options(), "front-end", 5, 100, 1.5, 31.5)
    queue = Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)
    job = queue.enqueue("worker.pipeline.compress", kwargs={"request": request.to_json()})
    connection.set(input_key(job.id), b"photo")
    reply_to(connection, [job.id, "unknown"], b"jpeg")
    assert not Job.exists(job.id, connection=connection)
    assert not connection.exists(input_key(job.id))
    assert connection.get(image_key(job.id)) == b"jpeg"
    (reply,) = connection.lrange(reply_key("front-end"), 0, -1)
    assert connection.get(record_key(job.id)) == reply
    assert decode_reply(reply).job_id == job.id
