"""Replies reach the requests that wait for them, also after a connection was cut."""

import asyncio
import json
import time
from typing import Any

import pytest
import redis

import app.queue.replies
from app.queue.client import QueueClient
from app.queue.replies import Replies
from app.redis import connect
from contract.errors import InternalError, QueueUnavailableError
from contract.keys import image_key, input_key, record_key, reply_key
from contract.messages import Failure, Options, Reply, Request, encode_reply
from tests.app.queue.running import run_with_client
from tests.app.queue.simulated_worker import (
    IMAGE,
    finish,
    list_job_keys,
    make_result,
    send,
    take_job,
)


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


def change(raw: bytes, **fields: Any) -> bytes:
    """Return a reply with other values."""
    return json.dumps({**json.loads(raw), **fields}).encode()


@pytest.mark.parametrize(
    "fields",
    [
        {"stage_ms": None},
        {"stage_ms": {"queue": float("nan")}},
        {"width_px": "32"},
        {"original_bytes": 10**400},
        {"kind": "other"},
        {"batch_size": [1]},
    ],
)
def test_a_malformed_reply_fails_its_request_at_once_and_no_other(
    redis_url: str,
    connection: redis.Redis,
    fields: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def work(client: QueueClient) -> None:
        first = asyncio.ensure_future(client.run_job(b"first", 1, Options(), 30))
        job = await take_job(connection)
        key = reply_key(Request.from_json(job.kwargs["request"]).reply_to)
        second = asyncio.ensure_future(client.run_job(b"second", 1, Options(), 30))
        other = await take_job(connection)
        connection.rpush(key, change(encode_reply(make_result(job)), **fields))
        with pytest.raises(InternalError, match="malformed"):
            await asyncio.wait_for(first, 3)
        finish(connection, other)
        assert (await second)[1] == IMAGE

    assert len(run_with_client(redis_url, work)) == 1
    assert "malformed reply" in caplog.text


def test_a_reply_that_names_no_job_is_found_in_the_records(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(client: QueueClient) -> None:
        waiting = asyncio.ensure_future(client.run_job(b"data", 1, Options(), 30))
        job = await take_job(connection)
        key = reply_key(Request.from_json(job.kwargs["request"]).reply_to)
        connection.set(record_key(job.id), b"nonsense")
        connection.rpush(key, b"nonsense")
        with pytest.raises(InternalError, match="malformed"):
            await asyncio.wait_for(waiting, 3)

    run_with_client(redis_url, work)


def test_a_reader_that_dies_is_started_again_and_loses_no_reply(
    redis_url: str, connection: redis.Redis
) -> None:
    deaths: list[str] = []
    faults = [ValueError("a defect")]

    def die_once(_: Reply) -> None:
        if faults:
            raise faults.pop()

    async def run() -> None:
        client = QueueClient(redis_url, result_ttl_s=30, on_reply=die_once, on_death=deaths.append)
        client.start()
        waiting = [asyncio.ensure_future(client.run_job(b"data", 1, Options(), 30)) for _ in "ab"]
        jobs = [await take_job(connection) for _ in waiting]
        with connection.pipeline() as pipeline:  # both in one read
            for job in jobs:
                pipeline.set(image_key(job.id), IMAGE)
                send(pipeline, job, make_result(job))
            pipeline.execute()
        finished = await asyncio.wait_for(asyncio.gather(*waiting), 3)
        assert [one.image for one in finished] == [IMAGE, IMAGE]
        await client.stop()

    asyncio.run(run())
    assert deaths == ["replies"]


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
        replies = Replies(
            redis_url, client, on_reply=lambda _: None, on_death=pytest.fail, discard=discard
        )
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
