"""Webhooks stay in Redis until they are removed or expire; their number is limited."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
import redis

from app.queue.rq_jobs import job_ttl_s
from app.redis import connect
from app.webhooks import records
from app.webhooks.records import Webhook, WebhookRecords
from contract.errors import QueueFullError
from contract.keys import WEBHOOKS_KEY, webhook_key

HOOK = Webhook("job-1", "http://hooks.example/ü?a=b", "/img")


def use(redis_url: str, work: Callable[[WebhookRecords], Awaitable[Any]]) -> None:
    async def run() -> None:
        async with connect(redis_url) as client:
            await work(WebhookRecords(client, deadline_s=10, lifetime_s=20))

    asyncio.run(run())


def test_a_webhook_is_claimed_when_it_is_due_and_by_one(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(hooks: WebhookRecords) -> None:
        await hooks.add(HOOK)
        await hooks.postpone(HOOK, 0.3)
        assert await hooks.claim(5, 0.3) == (1, 0, [])
        await asyncio.sleep(0.35)
        assert await hooks.claim(0, 0.3) == (1, 0, [])
        assert await hooks.claim(5, 0.3) == (1, 0, [HOOK])
        assert await hooks.claim(5, 0.3) == (1, 0, [])
        await asyncio.sleep(0.35)  # the claim has ended, as when a front end dies
        assert await hooks.claim(5, 0.3) == (1, 0, [HOOK])
        await hooks.remove(HOOK.job_id)
        await asyncio.sleep(0.35)
        assert await hooks.claim(5, 0.3) == (0, 0, [])

    use(redis_url, work)
    assert connection.dbsize() == 0


def test_progress_is_kept(redis_url: str, connection: redis.Redis) -> None:
    async def work(hooks: WebhookRecords) -> None:
        await hooks.add(HOOK)
        ends_s = float(connection.time()[0] + 7)
        later = replace(HOOK, attempts=3, body=b'{"a": 1}', expires_unix_s=ends_s)
        await hooks.postpone(later, 0)
        assert await hooks.claim(5, 1) == (1, 0, [later])

    use(redis_url, work)
    assert 6 <= connection.ttl(webhook_key(HOOK.job_id)) <= 9


def test_a_hastened_webhook_is_due_at_once(redis_url: str, connection: redis.Redis) -> None:
    async def work(hooks: WebhookRecords) -> None:
        await hooks.add(HOOK)
        await hooks.postpone(HOOK, 60)
        await hooks.hasten(["other", HOOK.job_id])
        assert await hooks.claim(5, 60) == (1, 0, [HOOK])

    use(redis_url, work)
    assert connection.zrange(WEBHOOKS_KEY, 0, -1) == [b"job-1"]


def test_everything_expires(redis_url: str, connection: redis.Redis) -> None:
    async def work(hooks: WebhookRecords) -> None:
        await hooks.add(HOOK)
        await hooks.add(replace(HOOK, job_id="job-2"))
        longest_s = job_ttl_s(10) + 20
        for key in (WEBHOOKS_KEY, webhook_key("job-1"), webhook_key("job-2")):
            assert longest_s - 2 <= connection.ttl(key) <= longest_s
        connection.delete(webhook_key("job-1"))  # it has expired
        open_count, expired, claimed = await hooks.claim(5, 0)
        assert (open_count, expired, [one.job_id for one in claimed]) == (1, 1, ["job-2"])
        # One that was removed meanwhile, by another front end, does not stay for ever.
        gone = replace(HOOK, body=b"x", expires_unix_s=connection.time()[0] + 5.0)
        await hooks.postpone(gone, 0)
        assert connection.ttl(webhook_key("job-1")) > 0
        assert connection.zscore(WEBHOOKS_KEY, "job-1") is None

    use(redis_url, work)


def test_too_many_are_refused_and_a_repeat_counts_once(
    redis_url: str, connection: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "MAX_OPEN", 2)

    async def work(hooks: WebhookRecords) -> None:
        for job_id in ("a", "b", "b", "a"):
            await hooks.add(replace(HOOK, job_id=job_id))
        with pytest.raises(QueueFullError, match="Too many webhooks"):
            await hooks.add(replace(HOOK, job_id="c"))

    use(redis_url, work)
    assert connection.zcard(WEBHOOKS_KEY) == 2
    assert not connection.exists(webhook_key("c"))


def test_a_webhook_that_can_not_be_read_hides_no_other(
    redis_url: str, connection: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    for job_id, fields in (
        (b"\xff", {"url": "http://hooks.example/"}),
        (b"no-url", {"root_path": ""}),
        (b"no-text", {"url": b"\xff"}),
        (b"no-number", {"url": "http://hooks.example/", "attempts": "few"}),
    ):
        connection.zadd(WEBHOOKS_KEY, {job_id: 0.0})
        connection.hset(webhook_key("").encode() + job_id, mapping=fields)
    connection.zadd(WEBHOOKS_KEY, {"no-hash": 0.0})
    connection.set(webhook_key("no-hash"), b"")

    async def work(hooks: WebhookRecords) -> None:
        await hooks.add(HOOK)
        assert await hooks.claim(9, 0.0) == (1, 5, [HOOK])
        assert await hooks.claim(9, 0.0) == (1, 0, [HOOK])

    use(redis_url, work)
    assert connection.zcard(WEBHOOKS_KEY) == 1
    assert caplog.text.count("can't be read") == 4
