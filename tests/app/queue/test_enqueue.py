"""Jobs are in RQ's queue as RQ's workers expect them."""

import asyncio

import pytest
import redis
from redis.asyncio import Redis
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from app.queue.enqueue import Enqueuer, job_ttl_s
from contract.keys import JOB_FUNCTION, MAX_RETRIES
from contract.messages import Options, Request

REQUEST = Request(Options(quality=40, width=9), "0123456789abcdef", 4, 9, 1.5, 31.5)


def enqueue(redis_url: str, wait_s: float) -> None:
    async def run() -> None:
        enqueuer = Enqueuer(redis_url, result_ttl_s=300)
        await enqueuer.prepare()
        async with Redis.from_url(redis_url) as client, client.pipeline() as pipeline:
            enqueuer.add(pipeline, "job", REQUEST, wait_s)
            await pipeline.execute()
        enqueuer.close()

    asyncio.run(run())


def test_a_job_is_in_the_queue_with_its_request_and_settings(
    redis_url: str, connection: redis.Redis
) -> None:
    enqueue(redis_url, 60)
    assert connection.lrange("rq:queue:foveate", 0, -1) == [b"job"]
    assert connection.smembers("rq:queues") == {b"rq:queue:foveate"}
    assert connection.ttl("rq:job:job") == job_ttl_s(60)
    job = Job.fetch("job", connection=connection, serializer=JSONSerializer)
    assert (job.func_name, job.get_status()) == (JOB_FUNCTION, JobStatus.QUEUED)
    assert Request.from_json(job.kwargs["request"]) == REQUEST
    assert (job.result_ttl, job.failure_ttl, job.retries_left) == (300, 300, MAX_RETRIES)
    assert job.enqueue_at_front_on_retry


@pytest.mark.parametrize(("wait_s", "expected_s"), [(60.0, 45), (600.0, 120), (0.5, 1)])
def test_a_job_times_out_before_its_client_does(
    redis_url: str, connection: redis.Redis, wait_s: float, expected_s: int
) -> None:
    enqueue(redis_url, wait_s)
    job = Job.fetch("job", connection=connection, serializer=JSONSerializer)
    assert job.timeout == expected_s
    assert job.ttl == int(wait_s) + 120
