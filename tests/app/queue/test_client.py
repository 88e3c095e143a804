"""Jobs whose clients wait, with a real Valkey and a simulated worker."""

import asyncio
import json
import time

import pytest
import redis

from app.cancellation import end
from app.queue.client import QueueClient
from contract.errors import (
    CorruptImageError,
    DeadlineError,
    InternalError,
    NoWorkerError,
    QueueUnavailableError,
)
from contract.keys import (
    JOB_FUNCTION,
    QUEUE_KEY,
    QUEUE_NAME,
    heatmap_key,
    image_key,
    input_key,
)
from contract.messages import Failure, Options, Request
from tests.app.queue.running import run_with_client
from tests.app.queue.simulated_worker import (
    IMAGE,
    finish,
    list_job_keys,
    make_result,
    send,
    take_job,
)


def test_a_job_has_its_upload_in_a_key_of_its_own_and_every_key_expires(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(client: QueueClient) -> None:
        waiting = asyncio.ensure_future(
            client.run_job(b"\xff\xd8\xff!", 9, Options(quality=40), 30)
        )
        job = await take_job(connection)
        assert job.func_name == JOB_FUNCTION
        request = Request.from_json(job.kwargs["request"])
        assert (request.options.quality, request.original_bytes, request.pixels) == (40, 4, 9)
        assert 0 < request.deadline_unix_s - time.time() <= 30
        assert connection.get(input_key(job.id)) == b"\xff\xd8\xff!"
        assert "\\u00ff" not in json.dumps(job.kwargs)
        assert "!" not in json.dumps(job.kwargs)
        assert connection.ttl(input_key(job.id)) > 0
        assert connection.ttl(job.key) > 0
        connection.delete(job.key)
        finish(connection, job)
        result, image, heatmap = await waiting
        assert (result.job_id, image, heatmap) == (job.id, IMAGE, None)

    replies = run_with_client(redis_url, work)
    assert len(replies) == 1
    assert list_job_keys(connection) == set()


def test_a_returned_result_is_deleted(redis_url: str, connection: redis.Redis) -> None:
    async def work(client: QueueClient) -> None:
        waiting = asyncio.ensure_future(client.run_job(b"data", 9, Options(heatmap="map"), 30))
        job = await take_job(connection)
        connection.delete(input_key(job.id))
        connection.set(image_key(job.id), b"jpeg", ex=30)
        connection.set(heatmap_key(job.id), b"png", ex=30)
        send(connection, job, make_result(job, "image/png"))
        assert (await waiting)[1:] == (b"jpeg", b"png")
        assert list_job_keys(connection) == {job.key}

    run_with_client(redis_url, work)


def test_a_failure_is_raised_as_the_error_of_its_code(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(client: QueueClient) -> None:
        waiting = asyncio.ensure_future(client.run_job(b"data", 9, Options(), 30))
        job = await take_job(connection)
        send(connection, job, Failure(job.id, "corrupt-image", "Broken."))
        with pytest.raises(CorruptImageError, match=r"Broken\."):
            await waiting

    run_with_client(redis_url, work)


def test_after_the_deadline_the_job_is_withdrawn(redis_url: str, connection: redis.Redis) -> None:
    async def work(client: QueueClient) -> None:
        with pytest.raises(DeadlineError):
            await client.run_job(b"data", 1, Options(), 0.2)
        assert list_job_keys(connection) == set()

    run_with_client(redis_url, work)


def test_a_cancelled_request_withdraws_its_job(redis_url: str, connection: redis.Redis) -> None:
    async def work(client: QueueClient) -> None:
        waiting = asyncio.ensure_future(client.run_job(b"data", 1, Options(), 30))
        while not connection.exists(f"rq:queue:{QUEUE_NAME}"):
            await asyncio.sleep(0.01)
        await end(waiting)
        assert list_job_keys(connection) == set()

    run_with_client(redis_url, work)


def test_a_result_after_the_withdrawal_is_deleted(redis_url: str, connection: redis.Redis) -> None:
    async def work(client: QueueClient) -> None:
        waiting = asyncio.ensure_future(client.run_job(b"data", 1, Options(), 30))
        job = await take_job(connection)
        await end(waiting)
        connection.delete(job.key)
        finish(connection, job)
        for _ in range(200):
            if not list_job_keys(connection):
                return
            await asyncio.sleep(0.01)
        pytest.fail(f"keys left: {list_job_keys(connection)}")

    run_with_client(redis_url, work)


def test_a_result_without_its_image_is_an_internal_error(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(client: QueueClient) -> None:
        waiting = asyncio.ensure_future(client.run_job(b"data", 1, Options(), 30))
        job = await take_job(connection)
        send(connection, job, make_result(job))
        with pytest.raises(InternalError):
            await waiting

    run_with_client(redis_url, work)


def test_a_full_redis_makes_the_queue_unavailable(redis_url: str, connection: redis.Redis) -> None:
    async def work(client: QueueClient) -> None:
        connection.config_set("maxmemory", "1")
        try:
            with pytest.raises(QueueUnavailableError):
                await client.run_job(b"data", 1, Options(), 30)
        finally:
            connection.config_set("maxmemory", "1gb")
        assert list_job_keys(connection) == set()

    run_with_client(redis_url, work)


def test_a_missing_redis_makes_the_queue_unavailable() -> None:
    async def work(client: QueueClient) -> None:
        with pytest.raises(QueueUnavailableError):
            await client.run_job(b"data", 1, Options(), 5)

    run_with_client("unix:///nonexistent/redis.sock", work)


def test_awaited_replies_can_be_failed_and_their_jobs_are_withdrawn(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(client: QueueClient) -> None:
        waiting = [
            asyncio.ensure_future(client.run_job(b"data", 9, Options(), 30)) for _ in range(2)
        ]
        job_id, detached = await client.start_job(b"data", 9, Options(), 30)
        while connection.llen(QUEUE_KEY) < 3:
            await asyncio.sleep(0.01)
        client.fail_awaited(NoWorkerError("None."))
        for one in waiting:
            with pytest.raises(NoWorkerError):
                await one
        assert connection.lrange(QUEUE_KEY, 0, -1) == [job_id.encode()]
        assert not detached.done()
        client.fail_awaited(NoWorkerError("None."))  # of nobody

    run_with_client(redis_url, work)
