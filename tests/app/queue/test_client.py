"""Jobs whose clients wait, with a real Valkey and a simulated worker."""

import asyncio
import json
import time

import pytest
import redis

from app.cancellation import end
from app.queue.client import REPEAT_MS, QueueClient
from app.queue.rq_jobs import enqueue_command
from contract.errors import (
    CorruptImageError,
    DeadlineError,
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
    record_key,
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


def test_the_pictures_of_a_returned_result_can_be_read_again_for_a_moment(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(client: QueueClient) -> None:
        waiting = asyncio.ensure_future(client.run_job(b"data", 9, Options(heatmap="map"), 30))
        job = await take_job(connection)
        connection.delete(input_key(job.id))
        connection.set(image_key(job.id), b"jpeg", ex=30)
        connection.set(heatmap_key(job.id), b"png", ex=30)
        send(connection, job, make_result(job, "image/png"))
        assert (await waiting)[1:] == (b"jpeg", b"png")
        pictures = {image_key(job.id), heatmap_key(job.id)}
        assert list_job_keys(connection) == {job.key, *pictures}
        assert all(0 < connection.pttl(key) <= REPEAT_MS for key in pictures)

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
        await asyncio.sleep(0.05)  # until the client knows it
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
            # The record expires.
            if list_job_keys(connection) == {record_key(job.id)}:
                return
            await asyncio.sleep(0.01)
        pytest.fail(f"keys left: {list_job_keys(connection)}")

    run_with_client(redis_url, work)


@pytest.mark.parametrize("heatmap_type", [None, "image/png"])
def test_a_result_without_one_of_its_pictures_is_lost(
    redis_url: str, connection: redis.Redis, heatmap_type: str | None
) -> None:
    async def work(client: QueueClient) -> None:
        waiting = asyncio.ensure_future(client.run_job(b"data", 1, Options(), 30))
        job = await take_job(connection)
        if heatmap_type:
            connection.set(image_key(job.id), IMAGE, ex=30)
        send(connection, job, make_result(job, heatmap_type))
        with pytest.raises(QueueUnavailableError, match="send it again"):
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


@pytest.mark.parametrize("is_submitted", [True, False])
def test_a_submission_that_arrives_after_its_withdrawal_queues_nothing(
    redis_url: str, connection: redis.Redis, is_submitted: bool
) -> None:
    request = Request(Options(), "me", 4, 9, 1.5, 31.5)

    async def work(client: QueueClient) -> None:
        await client.withdraw("job", is_submitted=is_submitted)
        await client.redis.set(input_key("job"), b"data", ex=30)
        command = enqueue_command("job", request, wait_s=30, result_ttl_s=30)
        await client.redis.execute_command(*command)
        # A job whose submission is known to have arrived leaves no record of its withdrawal.
        assert connection.llen(f"rq:queue:{QUEUE_NAME}") == is_submitted
        assert connection.exists(input_key("job")) == is_submitted

    run_with_client(redis_url, work)


def test_a_submission_that_is_cancelled_may_not_arrive_later(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(client: QueueClient) -> None:
        connection.client_pause(200)  # Redis executes nothing meanwhile
        waiting = asyncio.ensure_future(client.run_job(b"data", 1, Options(), 30))
        await asyncio.sleep(0.05)
        await end(waiting)
        while not (records := connection.keys(record_key("*"))):
            await asyncio.sleep(0.01)
        assert connection.ttl(records[0]) > 0
        assert not connection.exists(f"rq:queue:{QUEUE_NAME}")

    run_with_client(redis_url, work)


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
