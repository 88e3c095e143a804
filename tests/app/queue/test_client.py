"""The front end's side of the queue, against a real Valkey and a hand-moved worker."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import redis
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer

from app.cancellation import end
from app.queue.client import QueueClient
from contract.errors import (
    CorruptImageError,
    DeadlineError,
    InternalError,
    QueueUnavailableError,
)
from contract.keys import (
    JOB_FUNCTION,
    QUEUE_NAME,
    heatmap_key,
    image_key,
    input_key,
    record_key,
    reply_key,
)
from contract.messages import Failure, Options, Reply, Request, Result, encode_reply


def use(redis_url: str, work: Callable[[QueueClient], Awaitable[Any]]) -> list[Reply]:
    """Run ``work`` with a started client; return the replies that it saw."""
    seen: list[Reply] = []

    async def run() -> None:
        client = QueueClient(redis_url, result_ttl_s=30, on_reply=seen.append)
        client.start()
        try:
            await work(client)
        finally:
            await client.stop()

    asyncio.run(run())
    return seen


async def next_job(connection: redis.Redis) -> Job:
    """Return the next job, taken from the queue as a worker takes it."""
    queue = Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)
    while (job_id := connection.lpop(queue.key)) is None:
        await asyncio.sleep(0.01)
    return Job.fetch(job_id.decode(), connection=connection, serializer=JSONSerializer)


def result_of(job: Job, heatmap_type: str | None = None) -> Result:
    return Result(job.id, 1, 1, 4, 4, 4, "v", heatmap_type, {"queue": 1.0}, 1)


def reply(connection: redis.Redis, job: Job, answer: Reply) -> None:
    request = Request.from_json(job.kwargs["request"])
    connection.set(record_key(job.id), encode_reply(answer), ex=30, nx=True)
    connection.rpush(reply_key(request.reply_to), encode_reply(answer))


def left_over(connection: redis.Redis) -> set[str]:
    """Return the keys that concern single jobs."""
    return {key.decode() for key in connection.scan_iter()} - {"rq:queues"}


def test_a_job_carries_bytes_beside_it_and_everything_expires(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(client: QueueClient) -> None:
        waiting = asyncio.ensure_future(
            client.compress(b"\xff\xd8\xff!", 9, Options(quality=40), 30)
        )
        job = await next_job(connection)
        assert job.func_name == JOB_FUNCTION
        request = Request.from_json(job.kwargs["request"])
        assert (request.options.quality, request.original_bytes, request.pixels) == (40, 4, 9)
        assert 0 < request.deadline_unix_s - time.time() <= 30
        assert connection.get(input_key(job.id)) == b"\xff\xd8\xff!"
        assert "\\u00ff" not in json.dumps(job.kwargs)
        assert "!" not in json.dumps(job.kwargs)
        assert connection.ttl(input_key(job.id)) > 0
        assert connection.ttl(job.key) > 0
        connection.delete(input_key(job.id), job.key)
        connection.set(image_key(job.id), b"jpeg", ex=30)
        reply(connection, job, result_of(job))
        result, image, heatmap = await waiting
        assert (result.job_id, image, heatmap) == (job.id, b"jpeg", None)

    seen = use(redis_url, work)
    assert len(seen) == 1
    assert left_over(connection) == set()


def test_nothing_stays_of_a_result_that_was_sent(redis_url: str, connection: redis.Redis) -> None:
    async def work(client: QueueClient) -> None:
        waiting = asyncio.ensure_future(client.compress(b"data", 9, Options(heatmap="map"), 30))
        job = await next_job(connection)
        connection.delete(input_key(job.id))
        connection.set(image_key(job.id), b"jpeg", ex=30)
        connection.set(heatmap_key(job.id), b"png", ex=30)
        reply(connection, job, result_of(job, "image/png"))
        assert (await waiting)[1:] == (b"jpeg", b"png")
        assert left_over(connection) == {job.key}

    use(redis_url, work)


def test_a_failure_is_raised_as_the_error_it_names(redis_url: str, connection: redis.Redis) -> None:
    async def work(client: QueueClient) -> None:
        waiting = asyncio.ensure_future(client.compress(b"data", 9, Options(), 30))
        job = await next_job(connection)
        reply(connection, job, Failure(job.id, "corrupt-image", "Broken."))
        with pytest.raises(CorruptImageError, match=r"Broken\."):
            await waiting

    use(redis_url, work)


def test_after_the_deadline_the_job_is_withdrawn(redis_url: str, connection: redis.Redis) -> None:
    async def work(client: QueueClient) -> None:
        with pytest.raises(DeadlineError):
            await client.compress(b"data", 1, Options(), 0.2)
        assert left_over(connection) == set()

    use(redis_url, work)


def test_who_leaves_while_waiting_leaves_nothing(redis_url: str, connection: redis.Redis) -> None:
    async def work(client: QueueClient) -> None:
        waiting = asyncio.ensure_future(client.compress(b"data", 1, Options(), 30))
        while not connection.exists(f"rq:queue:{QUEUE_NAME}"):
            await asyncio.sleep(0.01)
        await end(waiting)
        assert left_over(connection) == set()

    use(redis_url, work)


def test_a_result_that_comes_too_late_is_removed(redis_url: str, connection: redis.Redis) -> None:
    async def work(client: QueueClient) -> None:
        waiting = asyncio.ensure_future(client.compress(b"data", 1, Options(), 30))
        job = await next_job(connection)
        await end(waiting)
        connection.delete(job.key)
        connection.set(image_key(job.id), b"jpeg", ex=30)
        reply(connection, job, result_of(job))
        for _ in range(100):
            if not left_over(connection):
                return
            await asyncio.sleep(0.02)
        pytest.fail(f"left over: {left_over(connection)}")

    use(redis_url, work)


def test_a_result_lost_on_the_way_is_our_fault(redis_url: str, connection: redis.Redis) -> None:
    async def work(client: QueueClient) -> None:
        waiting = asyncio.ensure_future(client.compress(b"data", 1, Options(), 30))
        job = await next_job(connection)
        reply(connection, job, result_of(job))
        with pytest.raises(InternalError):
            await waiting

    use(redis_url, work)


def test_a_full_redis_is_a_clear_error(redis_url: str, connection: redis.Redis) -> None:
    async def work(client: QueueClient) -> None:
        connection.config_set("maxmemory", "1")
        try:
            with pytest.raises(QueueUnavailableError):
                await client.compress(b"data", 1, Options(), 30)
        finally:
            connection.config_set("maxmemory", "1gb")
        assert left_over(connection) == set()

    use(redis_url, work)


def test_a_missing_redis_is_a_clear_error() -> None:
    async def work(client: QueueClient) -> None:
        with pytest.raises(QueueUnavailableError):
            await client.compress(b"data", 1, Options(), 5)

    use("unix:///nonexistent/redis.sock", work)
