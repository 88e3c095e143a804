"""Workers on RQ's list that still send heartbeats describe themselves; the queue's work is known."""

import asyncio

import redis
from rq.serializers import JSONSerializer
from rq.worker import SimpleWorker

from app.liveness.live_workers import LiveWorker, LiveWorkers
from contract.keys import (
    INTERMEDIATE_KEY,
    PHOTO_RATE_FIELD,
    QUEUE_KEY,
    QUEUE_NAME,
    RATE_FIELD,
    STARTED_KEY,
    VERSION_FIELD,
    WORK_FIELD,
    input_key,
    worker_key,
)


def register(connection: redis.Redis, name: str) -> None:
    SimpleWorker(
        [QUEUE_NAME], name=name, connection=connection, serializer=JSONSerializer
    ).register_birth()


def look(redis_url: str) -> tuple[list[LiveWorker], int]:
    async def run() -> tuple[list[LiveWorker], int]:
        live_workers = LiveWorkers(redis_url)
        try:
            return await live_workers.read(), await live_workers.count_queued_px()
        finally:
            await live_workers.close()

    return asyncio.run(run())


def read(redis_url: str) -> list[LiveWorker]:
    return look(redis_url)[0]


def count_queued_px(redis_url: str) -> int:
    return look(redis_url)[1]


def test_each_live_worker_has_its_version_and_rates(
    redis_url: str, connection: redis.Redis
) -> None:
    assert read(redis_url) == []
    register(connection, "known")
    fields = {VERSION_FIELD: "abc", RATE_FIELD: "28000000", PHOTO_RATE_FIELD: "14000000"}
    connection.hset(worker_key("known"), mapping=fields)
    register(connection, "unknown")
    register(connection, "broken")
    broken = {VERSION_FIELD: b"\xff", RATE_FIELD: "fast", PHOTO_RATE_FIELD: "nan"}
    connection.hset(worker_key("broken"), mapping=broken)
    found = sorted(read(redis_url), key=lambda worker: worker.version)
    assert found == [LiveWorker("", 0.0, 0.0), LiveWorker("abc", 28e6, 14e6), LiveWorker("\ufffd")]


def test_a_worker_whose_key_has_expired_is_not_alive(
    redis_url: str, connection: redis.Redis
) -> None:
    register(connection, "dead")
    connection.delete(worker_key("dead"))
    assert read(redis_url) == []


def test_a_version_that_is_no_text_hides_no_worker(redis_url: str, connection: redis.Redis) -> None:
    register(connection, "odd")
    connection.hset(worker_key("odd"), VERSION_FIELD, b"\xff")
    assert len(read(redis_url)) == 1


def test_a_worker_that_is_no_hash_hides_no_other(redis_url: str, connection: redis.Redis) -> None:
    register(connection, "fine")
    register(connection, "odd")
    connection.delete(worker_key("odd"))
    connection.set(worker_key("odd"), b"")
    assert len(read(redis_url)) == 1


def test_queued_work_is_that_of_all_jobs_without_a_reply(
    redis_url: str, connection: redis.Redis
) -> None:
    assert count_queued_px(redis_url) == 0
    for job_id, work_px in (("first", 20), ("second", 300)):
        connection.hset(f"rq:job:{job_id}", WORK_FIELD, work_px)
        connection.set(input_key(job_id), b"data")
        connection.rpush(QUEUE_KEY, job_id)
    assert count_queued_px(redis_url) == 320
    # One is taken, then both run; a job in two lists counts once.
    connection.lmove(QUEUE_KEY, INTERMEDIATE_KEY)
    assert count_queued_px(redis_url) == 320
    connection.zadd(STARTED_KEY, {"first:one": 1, "second:other": 1})
    assert count_queued_px(redis_url) == 320
    connection.delete(QUEUE_KEY, INTERMEDIATE_KEY)
    assert count_queued_px(redis_url) == 320
    # A reply deletes the input before RQ's records say that the job has ended.
    connection.delete(input_key("first"))
    assert count_queued_px(redis_url) == 300


def test_a_job_that_cannot_be_read_is_no_work(redis_url: str, connection: redis.Redis) -> None:
    connection.set("rq:job:text", b"no hash")
    odd = ("much", "-9", "inf", "nan", "1e300", "0x10", "9" * 300, b"\xff")
    for number, work_px in enumerate(odd):
        connection.hset(f"rq:job:odd-{number}", WORK_FIELD, work_px)
    for job_id in ("text", *(f"odd-{number}" for number in range(len(odd))), "gone", b"\xff"):
        text = job_id if isinstance(job_id, str) else job_id.decode("latin-1")
        connection.set(input_key(text), b"data")
        connection.rpush(QUEUE_KEY, job_id)
    connection.zadd(STARTED_KEY, {"nonsense": 1, b"\xff:\xff": 1})
    assert count_queued_px(redis_url) == 0
