"""The result cache, with a real Valkey: its size is limited and counted, and every key expires."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import redis

from app.redis import connect
from app.results.cache import ResultCache
from contract.keys import CACHE_ORDER_KEY, CACHE_SIZES_KEY, heatmap_key, image_key, record_key
from contract.messages import Result, decode_reply, encode_reply


def use(
    redis_url: str,
    work: Callable[[ResultCache], Awaitable[Any]],
    *,
    max_bytes: int = 100_000,
) -> None:
    async def run() -> None:
        async with connect(redis_url) as client:
            await work(ResultCache(client, max_bytes=max_bytes, ttl_s=30))

    asyncio.run(run())


def store_result(
    connection: redis.Redis, job_id: str, image: bytes, heatmap: bytes | None = None
) -> Result:
    """Store a job's record and pictures as a worker does; return its result."""
    media_type = None if heatmap is None else "image/png"
    result = Result(job_id, 1, 1, 4, len(image), 4, "v", media_type, {"queue": 1.0}, 1)
    connection.set(image_key(job_id), image, ex=30)
    if heatmap is not None:
        connection.set(heatmap_key(job_id), heatmap, ex=30)
    connection.set(record_key(job_id), encode_reply(result), ex=60)
    return result


def counted_bytes(connection: redis.Redis) -> int:
    sizes = {
        name.decode(): int(value) for name, value in connection.hgetall(CACHE_SIZES_KEY).items()
    }
    total = sizes.pop("total", 0)
    assert total == sum(sizes.values())
    assert set(sizes) == {raw.decode() for raw in connection.zrange(CACHE_ORDER_KEY, 0, -1)}
    return total


def test_a_taken_result_is_moved_to_the_cache_and_found(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(cache: ResultCache) -> None:
        assert await cache.find("a") is None
        taken = await cache.take("a", store_result(connection, "job", b"jpeg", b"png"))
        assert taken is not None
        assert taken[1:] == (b"jpeg", b"png")
        assert not connection.exists(record_key("job"))
        found = await cache.find("a")
        assert found == taken
        assert found is not None
        assert found[1:] == (b"jpeg", b"png")
        assert not connection.exists(image_key("job"), heatmap_key("job"))
        assert found.result.job_id == "job"
        assert await cache.find("b") is None
        assert all(connection.ttl(key) > 0 for key in connection.scan_iter())
        assert counted_bytes(connection) > 7

    use(redis_url, work)


def test_a_result_that_is_taken_twice_is_the_same(redis_url: str, connection: redis.Redis) -> None:
    """A command whose connection is cut is sent again after Redis has executed it."""

    async def work(cache: ResultCache) -> None:
        result = store_result(connection, "job", b"jpeg", b"png")
        first = await cache.take("a", result)
        assert first is not None
        counted = counted_bytes(connection)
        assert await cache.take("a", result) == first
        assert await cache.find("a") == first
        assert counted_bytes(connection) == counted
        # The entry of another job may differ.
        await cache.take("a", store_result(connection, "other", b"other jpeg", b"other png"))
        assert await cache.take("a", result) is None

    use(redis_url, work)


def test_the_least_recently_used_entry_is_dropped_first(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(cache: ResultCache) -> None:
        for name in ("a", "b", "c"):
            assert await cache.take(name, store_result(connection, f"job-{name}", bytes(30_000)))
            await asyncio.sleep(0.01)
        assert await cache.find("a") is not None
        await asyncio.sleep(0.01)
        assert await cache.take("d", store_result(connection, "job-d", bytes(30_000)))
        assert counted_bytes(connection) <= 100_000
        assert [await cache.find(name) is not None for name in "abcd"] == [True, False, True, True]
        assert not connection.exists(image_key("b"))

    use(redis_url, work)


def test_results_of_any_size_never_exceed_the_limit(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(cache: ResultCache) -> None:
        for number in range(200):
            size = 1 + number * 7919 % 40_000
            await cache.take(
                str(number % 60), store_result(connection, f"job-{number}", bytes(size))
            )
            assert counted_bytes(connection) <= 100_000
        stored = sum(connection.strlen(key) for key in connection.scan_iter("foveate:image:*"))
        assert stored <= 100_000

    use(redis_url, work)


def test_a_result_larger_than_the_cache_is_not_kept(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(cache: ResultCache) -> None:
        assert not await cache.take("a", store_result(connection, "job", bytes(100_001)))
        assert await cache.find("a") is None
        assert connection.exists(image_key("job"))  # it still belongs to the job

    use(redis_url, work)


def test_an_entry_expires_after_its_last_use(redis_url: str, connection: redis.Redis) -> None:
    async def work(cache: ResultCache) -> None:
        await cache.take("a", store_result(connection, "job-a", b"jpeg", b"png"))
        keys = list(connection.scan_iter())
        assert all(29 <= connection.ttl(key) <= 30 for key in keys)
        for key in keys:
            connection.expire(key, 20)
        assert await cache.find("a") is not None  # which renews every key
        assert all(29 <= connection.ttl(key) <= 30 for key in keys)
        for key in keys:
            connection.pexpire(key, 1)
        await asyncio.sleep(0.01)
        assert await cache.find("a") is None
        assert list(connection.scan_iter()) == []

    use(redis_url, work)


def test_expired_entries_are_no_longer_counted(redis_url: str, connection: redis.Redis) -> None:
    async def work(cache: ResultCache) -> None:
        await cache.take("a", store_result(connection, "job-a", bytes(50_000)))
        # The keys have expired in Redis; the entry of the order has only passed its time.
        connection.delete("foveate:cache:a", image_key("a"))
        connection.zadd(CACHE_ORDER_KEY, {"a": time.time() - 1})
        assert await cache.take("b", store_result(connection, "job-b", bytes(50_000)))
        assert counted_bytes(connection) < 51_000

    use(redis_url, work)


def test_an_entry_without_its_pictures_is_not_found(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(cache: ResultCache) -> None:
        await cache.take("a", store_result(connection, "job", b"jpeg"))
        before = counted_bytes(connection)
        connection.delete(image_key("a"))
        assert await cache.find("a") is None
        await cache.take("a", store_result(connection, "job", b"jpeg"))
        assert counted_bytes(connection) == before
        await cache.take("b", store_result(connection, "other", b"jpeg", b"png"))
        connection.delete(heatmap_key("b"))
        assert await cache.find("b") is None

    use(redis_url, work)


def test_the_copy_of_a_job_outlives_the_entry(redis_url: str, connection: redis.Redis) -> None:
    async def work(cache: ResultCache) -> None:
        result = store_result(connection, "job-a", bytes(60_000), b"png")
        await cache.take("a", result)
        assert await cache.copy_to_job("a", result, "linked")
        await cache.take("b", store_result(connection, "job-b", bytes(60_000)))
        assert await cache.find("a") is None
        reply = decode_reply(connection.get(record_key("linked")))
        assert reply.job_id == "linked"
        assert connection.get(image_key("linked")) == bytes(60_000)
        assert connection.get(heatmap_key("linked")) == b"png"
        assert all(connection.ttl(key) > 0 for key in connection.scan_iter())
        assert not await cache.copy_to_job("a", result, "too late")

    use(redis_url, work)


def test_a_copy_without_its_heatmap_fails(redis_url: str, connection: redis.Redis) -> None:
    async def work(cache: ResultCache) -> None:
        result = store_result(connection, "job", b"jpeg", b"png")
        await cache.take("a", result)
        connection.delete(heatmap_key("a"))
        assert not await cache.copy_to_job("a", result, "linked")

    use(redis_url, work)


def test_a_kept_result_is_a_copy_of_the_jobs_pictures(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(cache: ResultCache) -> None:
        result = store_result(connection, "job", b"jpeg", b"png")
        assert await cache.keep("a", result)
        assert decode_reply(connection.get(record_key("job"))) == result
        connection.delete(image_key("job"), heatmap_key("job"))
        found = await cache.find("a")
        assert found is not None
        assert found[1:] == (b"jpeg", b"png")
        assert not await cache.keep("b", result)  # its pictures no longer exist

    use(redis_url, work)


@pytest.mark.parametrize("nonsense", [b"", b"{}", b"[]", b"\xff", b'{"job_id": 1}'])
def test_an_invalid_entry_is_not_found(
    redis_url: str, connection: redis.Redis, nonsense: bytes
) -> None:
    async def work(cache: ResultCache) -> None:
        await cache.take("a", store_result(connection, "job", b"jpeg"))
        connection.set("foveate:cache:a", nonsense, ex=30)
        assert await cache.find("a") is None

    use(redis_url, work)


def test_without_a_working_redis_nothing_is_found(redis_url: str, connection: redis.Redis) -> None:
    async def refuse(cache: ResultCache) -> None:
        connection.set(CACHE_ORDER_KEY, "of another type", ex=30)
        assert not await cache.take("a", store_result(connection, "job", b"jpeg"))
        assert await cache.find("a") is None

    async def fail(cache: ResultCache) -> None:
        assert await cache.find("a") is None

    use(redis_url, refuse)
    use("unix:///nonexistent/redis.sock", fail)


def test_a_cache_of_zero_bytes_is_off(redis_url: str, connection: redis.Redis) -> None:
    async def work(cache: ResultCache) -> None:
        assert not cache.is_on
        assert not await cache.take("a", store_result(connection, "job", b"jpeg"))
        assert await cache.find("a") is None

    use(redis_url, work, max_bytes=0)
