"""Replies reach the requests that wait for them, also after a connection was cut."""

import asyncio
import time

import pytest
import redis

import app.queue.replies
from app.queue.client import QueueClient
from app.queue.replies import Replies
from app.redis import connect
from contract.errors import QueueUnavailableError
from contract.keys import image_key, input_key, record_key, reply_key
from contract.messages import Failure, Options, Request, encode_reply
from tests.app.queue.running import run_with_client
from tests.app.queue.simulated_worker import IMAGE, finish, list_job_keys, make_result, take_job


def test_each_reply_reaches_its_own_request(redis_url: str, connection: redis.Redis) -> None:
    async def work(client: QueueClient) -> None:
        uploads = [str(number).encode() for number in range(20)]
        waiting = [
            asyncio.ensure_future(client.run_job(data, 1, Options(), 30)) for data in uploads
        ]
        jobs = [await take_job(connection) for _ in uploads]
        for job in reversed(jobs):
            finish(connection, job, b"image of " + connection.get(input_key(job.id)))
        images = [image for _, image, _ in await asyncio.gather(*waiting)]
        assert images == [b"image of " + data for data in uploads]

    run_with_client(redis_url, work)


def test_invalid_replies_are_skipped(redis_url: str, connection: redis.Redis) -> None:
    async def work(client: QueueClient) -> None:
        waiting = asyncio.ensure_future(client.run_job(b"data", 1, Options(), 30))
        job = await take_job(connection)
        key = reply_key(Request.from_json(job.kwargs["request"]).reply_to)
        connection.rpush(key, b"nonsense", b"{}")
        finish(connection, job)
        assert (await waiting)[1] == IMAGE

    run_with_client(redis_url, work)


def test_a_cut_connection_is_opened_again(redis_url: str, connection: redis.Redis) -> None:
    async def work(client: QueueClient) -> None:
        waiting = asyncio.ensure_future(client.run_job(b"data", 1, Options(), 30))
        job = await take_job(connection)
        connection.client_kill_filter(_type="normal", skipme=True)
        finish(connection, job)
        assert (await waiting)[1] == IMAGE

    run_with_client(redis_url, work)


def test_a_reply_lost_with_a_cut_connection_is_read_from_the_record(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(client: QueueClient) -> None:
        waiting = asyncio.ensure_future(client.run_job(b"data", 1, Options(), 30))
        job = await take_job(connection)
        connection.delete(input_key(job.id))
        connection.set(image_key(job.id), IMAGE, ex=30)
        # There is a record but no reply, as if Redis had sent the reply over the cut connection.
        connection.set(record_key(job.id), encode_reply(make_result(job)), ex=30)
        connection.client_kill_filter(_type="normal", skipme=True)
        started_s = time.monotonic()
        assert (await waiting)[1] == IMAGE
        assert time.monotonic() - started_s < 5
        assert list_job_keys(connection) == {job.key, image_key(job.id)}

    replies = run_with_client(redis_url, work)
    assert len(replies) == 1


def test_a_lost_job_fails_although_replies_to_other_jobs_arrive(
    redis_url: str, connection: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.queue.replies, "BLOCK_S", 0.5)

    async def work(client: QueueClient) -> None:
        waiting = asyncio.ensure_future(client.run_job(b"data", 1, Options(), 30))
        job = await take_job(connection)
        connection.flushall()
        started_s = time.monotonic()
        while not waiting.done() and time.monotonic() - started_s < 5:
            other = encode_reply(Failure("another", "internal-error", "Its own."))
            connection.rpush(reply_key(job.kwargs["request"]["reply_to"]), other)
            await asyncio.sleep(0.05)
        with pytest.raises(QueueUnavailableError):
            await waiting
        assert time.monotonic() - started_s < 5

    run_with_client(redis_url, work)


def test_jobs_that_a_restarted_redis_lost_fail_at_once(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(client: QueueClient) -> None:
        waiting = asyncio.ensure_future(client.run_job(b"data", 1, Options(), 30))
        await take_job(connection)
        connection.flushall()
        connection.client_kill_filter(_type="normal", skipme=True)
        started_s = time.monotonic()
        with pytest.raises(QueueUnavailableError):
            await waiting
        assert time.monotonic() - started_s < 5

    run_with_client(redis_url, work)


def test_a_job_that_ended_with_its_reply_still_unread_is_not_lost(
    redis_url: str, connection: redis.Redis
) -> None:
    """A worker may have deleted the job's hash before the pending jobs are compared with Redis."""

    async def discard(job_id: str) -> None:
        raise AssertionError(job_id)

    async def run() -> None:
        client = connect(redis_url)
        replies = Replies(redis_url, client, on_reply=lambda _: None, discard=discard)
        expected = replies.expect("job")
        replies.mark_submitted("job")
        raw = encode_reply(Failure("job", "internal-error", "Its own."))
        connection.set(record_key("job"), raw)
        connection.rpush(reply_key(replies.address), raw)
        await replies._reconcile_pending()
        assert not expected.done()
        replies.start()
        assert await asyncio.wait_for(expected, 5) == Failure("job", "internal-error", "Its own.")
        await replies.stop()
        await client.aclose()

    asyncio.run(run())
