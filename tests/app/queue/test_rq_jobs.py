"""Jobs are in RQ's queue as RQ's workers expect them."""

import asyncio
import re
import zlib

import pytest
import redis
from redis.asyncio import Redis
from rq import Queue, Retry
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from app.queue.rq_jobs import enqueue_command, job_ttl_s, restore_job
from contract.keys import JOB_FUNCTION, MAX_RETRIES, QUEUE_NAME, WORK_FIELD, input_key, record_key
from contract.messages import Options, Request
from contract.work import count_work_px

REQUEST = Request(Options(quality=40, width=9), "0123456789abcdef", 4, 9, 1.5, 31.5)


def enqueue(redis_url: str, wait_s: float, job_id: str = "job") -> None:
    async def run() -> None:
        async with Redis.from_url(redis_url) as client:
            command = enqueue_command(job_id, REQUEST, wait_s=wait_s, result_ttl_s=300)
            await client.execute_command(*command)

    asyncio.run(run())


def test_a_record_is_what_rq_writes_for_the_same_job(
    redis_url: str, connection: redis.Redis
) -> None:
    """RQ's fields that are empty are left out."""
    queue = Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)
    queue.enqueue_call(
        JOB_FUNCTION,
        kwargs={"request": REQUEST.to_json()},
        job_id="job",
        timeout=45,
        ttl=job_ttl_s(60),
        result_ttl=300,
        failure_ttl=300,
        description="compress",
        retry=Retry(max=MAX_RETRIES, enqueue_at_front=True),
    )
    # Our own field, which RQ ignores.
    connection.hset("rq:job:job", WORK_FIELD, count_work_px(REQUEST.pixels))
    expected = read_all(connection)
    connection.flushall()
    enqueue(redis_url, 60)
    assert read_all(connection) == expected


def test_rq_reads_the_origin_of_a_job_as_its_meta(redis_url: str, connection: redis.Redis) -> None:
    origin = {"request_id": "abcdefgh"}

    async def run() -> None:
        async with Redis.from_url(redis_url) as client:
            await client.execute_command(
                *enqueue_command("job", REQUEST, wait_s=60, result_ttl_s=300, origin=origin)
            )

    asyncio.run(run())
    job = Job.fetch("job", connection=connection, serializer=JSONSerializer)
    assert job.meta == origin
    assert job.kwargs == {"request": REQUEST.to_json()}


def read_all(connection: redis.Redis) -> dict[str, object]:
    """Return every key's value and time to live, but of RQ's times only the format."""
    record = {name: value for name, value in connection.hgetall("rq:job:job").items() if value}
    for name in (b"created_at", b"enqueued_at"):
        record[name] = re.sub(rb"\d", b"0", record[name])
    record[b"data"] = zlib.decompress(record[b"data"])
    return {
        "keys": set(connection.keys()),
        "record": record,
        "waiting": connection.lrange("rq:queue:foveate", 0, -1),
        "queues": connection.smembers("rq:queues"),
        "ttl": connection.ttl("rq:job:job"),
    }


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


def test_a_record_is_read_back_without_a_connection(
    redis_url: str, connection: redis.Redis
) -> None:
    enqueue(redis_url, 60)
    job = restore_job("job", connection.hgetall("rq:job:job"))
    assert job is not None
    assert Request.from_json(job.kwargs["request"]) == REQUEST


def test_an_incomplete_record_is_no_job(redis_url: str, connection: redis.Redis) -> None:
    enqueue(redis_url, 60)
    fields = connection.hgetall("rq:job:job")
    del fields[b"data"], fields[b"created_at"]
    assert restore_job("job", fields) is None


def test_a_job_that_is_submitted_twice_is_queued_once(
    redis_url: str, connection: redis.Redis
) -> None:
    enqueue(redis_url, 60)
    before = read_all(connection)
    enqueue(redis_url, 60)
    assert read_all(connection) == before
    # A worker has taken it.
    connection.delete("rq:queue:foveate")
    enqueue(redis_url, 60)
    assert not connection.exists("rq:queue:foveate")


def test_the_input_of_a_job_that_runs_stays_when_it_is_submitted_again(
    redis_url: str, connection: redis.Redis
) -> None:
    enqueue(redis_url, 60)
    connection.set(input_key("job"), b"data", ex=60)
    enqueue(redis_url, 60)
    assert connection.get(input_key("job")) == b"data"


def test_a_submission_after_the_end_of_its_job_leaves_nothing(
    redis_url: str, connection: redis.Redis
) -> None:
    connection.set(record_key("job"), b"ended", ex=60)
    connection.set(input_key("job"), b"data", ex=60)
    enqueue(redis_url, 60)
    assert set(connection.keys()) == {record_key("job").encode()}
