"""Replies reach the requests that wait for them, also over cut connections."""

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
from tests.app.queue.test_client import left_over, next_job, reply, result_of, use


def test_replies_find_their_own_clients(redis_url: str, connection: redis.Redis) -> None:
    async def work(client: QueueClient) -> None:
        uploads = [str(number).encode() for number in range(20)]
        waiting = [
            asyncio.ensure_future(client.compress(data, 1, Options(), 30)) for data in uploads
        ]
        jobs = [await next_job(connection) for _ in uploads]
        for job in reversed(jobs):
            data = connection.get(input_key(job.id))
            connection.set(image_key(job.id), b"image of " + data, ex=30)
            reply(connection, job, result_of(job))
        images = [image for _, image, _ in await asyncio.gather(*waiting)]
        assert images == [b"image of " + data for data in uploads]

    use(redis_url, work)


def test_the_reader_outlives_nonsense_on_its_list(redis_url: str, connection: redis.Redis) -> None:
    async def work(client: QueueClient) -> None:
        waiting = asyncio.ensure_future(client.compress(b"data", 1, Options(), 30))
        job = await next_job(connection)
        to = reply_key(Request.from_json(job.kwargs["request"]).reply_to)
        connection.rpush(to, b"nonsense", b"{}")
        connection.set(image_key(job.id), b"jpeg", ex=30)
        reply(connection, job, result_of(job))
        assert (await waiting)[1] == b"jpeg"

    use(redis_url, work)


def test_cut_connections_are_made_again(redis_url: str, connection: redis.Redis) -> None:
    async def work(client: QueueClient) -> None:
        waiting = asyncio.ensure_future(client.compress(b"data", 1, Options(), 30))
        job = await next_job(connection)
        connection.client_kill_filter(_type="normal", skipme=True)
        connection.set(image_key(job.id), b"jpeg", ex=30)
        reply(connection, job, result_of(job))
        assert (await waiting)[1] == b"jpeg"

    use(redis_url, work)


def test_a_reply_that_a_cut_connection_took_along_is_found(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(client: QueueClient) -> None:
        waiting = asyncio.ensure_future(client.compress(b"data", 1, Options(), 30))
        job = await next_job(connection)
        connection.delete(input_key(job.id))
        connection.set(image_key(job.id), b"jpeg", ex=30)
        # As after the list has given it to a connection that is no more.
        connection.set(record_key(job.id), encode_reply(result_of(job)), ex=30)
        connection.client_kill_filter(_type="normal", skipme=True)
        started_s = time.monotonic()
        assert (await waiting)[1] == b"jpeg"
        assert time.monotonic() - started_s < 5
        connection.delete(job.key)

    seen = use(redis_url, work)
    assert len(seen) == 1
    assert left_over(connection) == set()


def test_a_lost_job_is_found_while_the_replies_of_others_come(
    redis_url: str, connection: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.queue.replies, "BLOCK_S", 1)

    async def work(client: QueueClient) -> None:
        waiting = asyncio.ensure_future(client.compress(b"data", 1, Options(), 30))
        job = await next_job(connection)
        connection.flushall()
        started_s = time.monotonic()
        while not waiting.done() and time.monotonic() - started_s < 5:
            other = encode_reply(Failure("another", "internal-error", "Its own."))
            connection.rpush(reply_key(job.kwargs["request"]["reply_to"]), other)
            await asyncio.sleep(0.1)
        with pytest.raises(QueueUnavailableError):
            await waiting
        assert time.monotonic() - started_s < 5

    use(redis_url, work)


def test_jobs_that_a_restarted_redis_lost_are_given_up_at_once(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(client: QueueClient) -> None:
        waiting = asyncio.ensure_future(client.compress(b"data", 1, Options(), 30))
        await next_job(connection)
        connection.flushall()
        connection.client_kill_filter(_type="normal", skipme=True)
        started_s = time.monotonic()
        with pytest.raises(QueueUnavailableError):
            await waiting
        assert time.monotonic() - started_s < 5

    use(redis_url, work)


def test_an_ended_job_whose_reply_is_still_unread_is_not_lost(
    redis_url: str, connection: redis.Redis
) -> None:
    """A worker may have removed the job's hash by the time that jobs are compared with Redis."""

    async def discard(job_id: str, raw: bytes) -> None:
        raise AssertionError((job_id, raw))

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
