"""Limits of an API key hold over all front ends, and places never stay taken for long."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack
from typing import Any

import pytest
import redis

from app.limits import key_limits
from app.limits.key_limits import KeyLimits
from app.redis import connect
from contract.errors import KeyLimitError, QueueUnavailableError
from contract.keys import key_rate_key, key_uploads_key

KEY, OTHER = "a" * 64, "b" * 64


def use(
    redis_url: str,
    work: Callable[[KeyLimits, KeyLimits], Awaitable[Any]],
    *,
    max_pending: int = 0,
    per_minute: int = 0,
) -> None:
    """Run ``work`` with the limits of two front ends."""

    async def run() -> None:
        async with AsyncExitStack() as stack:
            pair = []
            for _ in range(2):
                client = await stack.enter_async_context(connect(redis_url, timeout_s=1))
                limits = KeyLimits(
                    client, max_pending=max_pending, per_minute=per_minute, on_death=pytest.fail
                )
                limits.start()
                stack.push_async_callback(limits.stop)
                pair.append(limits)
            await work(*pair)

    asyncio.run(run())


async def admit(limits: KeyLimits, key: str = KEY, held: ExitStack | None = None) -> int | None:
    """Return None if the upload is admitted, else after how many seconds to try again."""
    try:
        await limits.admit(key, held or ExitStack(), lambda: 7)
    except KeyLimitError as error:
        return error.retry_after_s
    return None


def test_uploads_in_progress_count_over_all_front_ends(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(one: KeyLimits, two: KeyLimits) -> None:
        held = ExitStack()
        assert await admit(one, held=held) is None
        assert await admit(two) is None
        assert [await admit(one), await admit(two)] == [7, 7]
        with pytest.raises(KeyLimitError, match="2 uploads in progress"):
            await two.admit(KEY, ExitStack(), lambda: 7)
        assert await admit(two, OTHER) is None
        held.close()
        await asyncio.sleep(0.1)
        assert await admit(two) is None
        assert await admit(one) == 7

    use(redis_url, work, max_pending=2)
    assert connection.zcard(key_uploads_key(KEY)) == 0  # stopped front ends release all
    assert not connection.keys("*")


def test_the_places_of_a_dead_front_end_are_free_again(
    redis_url: str, connection: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_limits, "LEASE_S", 0.6)
    monkeypatch.setattr(key_limits, "RENEW_INTERVAL_S", 0.1)

    async def work(alive: KeyLimits, dead: KeyLimits) -> None:
        assert await admit(alive) is None
        assert await admit(dead) is None
        await dead.renewal.stop()
        await asyncio.sleep(0.3)
        assert await admit(alive) == 7
        await asyncio.sleep(0.6)
        assert await admit(alive) is None  # the dead one's place
        assert await admit(alive) == 7  # that of the living one has been renewed

    use(redis_url, work, max_pending=2)
    assert connection.dbsize() == 0


def test_a_minutes_uploads_may_come_at_once_then_one_by_one(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(one: KeyLimits, two: KeyLimits) -> None:
        started_s = time.monotonic()
        for number in range(120):
            assert await admit(two if number % 2 else one) is None
        if time.monotonic() - started_s < 0.4:
            with pytest.raises(KeyLimitError, match="120 uploads per minute") as caught:
                await two.admit(KEY, ExitStack(), lambda: 7)
            assert caught.value.retry_after_s == 1
        assert await admit(one, OTHER) is None
        await asyncio.sleep(0.6)
        assert await admit(one) is None

    use(redis_url, work, per_minute=120)
    assert 59_000 < connection.pttl(key_rate_key(KEY)) <= 60_000


def test_the_wait_for_a_slow_rate_is_told(redis_url: str, connection: redis.Redis) -> None:
    async def work(one: KeyLimits, two: KeyLimits) -> None:
        assert [await admit(one) for _ in range(3)] == [None] * 3
        assert await admit(two) in {19, 20}

    use(redis_url, work, per_minute=3)
    # What was left behind is more than a minute can hold, as after a lower limit: bounded anyway.
    connection.set(key_rate_key(KEY), f"{1e3 * time.time() + 9e9:.3f}")

    async def later(one: KeyLimits, _: KeyLimits) -> None:
        assert await admit(one) == 60

    use(redis_url, later, per_minute=3)


def test_a_refused_upload_counts_for_nothing(redis_url: str, connection: redis.Redis) -> None:
    async def work(one: KeyLimits, _: KeyLimits) -> None:
        held = ExitStack()
        assert await admit(one, held=held) is None
        for _attempt in range(5):
            assert await admit(one) == 7
        held.close()
        await asyncio.sleep(0.1)
        assert await admit(one) is None

    use(redis_url, work, max_pending=1, per_minute=2)
    assert connection.zcard(key_uploads_key(KEY)) == 0


def test_a_repeated_command_counts_once(connection: redis.Redis) -> None:
    script = connection.register_script(key_limits.ADMIT_SCRIPT.read_text())
    keys = [key_uploads_key(KEY), key_rate_key(KEY)]
    for _ in range(3):
        assert script(keys=keys, args=["x", 15000, 1, 1]) == [0, 0]
    assert script(keys=keys, args=["y", 15000, 2, 1])[0] == key_limits.TOO_MANY_SENT
    assert script(keys=keys, args=["y", 15000, 1, 2]) == [key_limits.TOO_MANY_OPEN, 0]


def test_without_redis_uploads_are_refused() -> None:
    async def work(one: KeyLimits, _: KeyLimits) -> None:
        with pytest.raises(QueueUnavailableError):
            await admit(one)

    use("unix:///nonexistent/redis.sock", work, max_pending=1)
