"""The workers on RQ's list that still send heartbeats are alive."""

import asyncio

import redis
from rq.serializers import JSONSerializer
from rq.worker import SimpleWorker

from app.liveness.live_workers import LiveWorkers
from contract.keys import QUEUE_NAME, VERSION_FIELD, worker_key


def register(connection: redis.Redis, name: str) -> None:
    SimpleWorker(
        [QUEUE_NAME], name=name, connection=connection, serializer=JSONSerializer
    ).register_birth()


def read(redis_url: str) -> list[str]:
    async def run() -> list[str]:
        live_workers = LiveWorkers(redis_url)
        try:
            return await live_workers.read_versions()
        finally:
            await live_workers.close()

    return asyncio.run(run())


def test_each_live_worker_has_its_version(redis_url: str, connection: redis.Redis) -> None:
    assert read(redis_url) == []
    register(connection, "known")
    connection.hset(worker_key("known"), VERSION_FIELD, "abc")
    register(connection, "unknown")
    assert sorted(read(redis_url)) == ["", "abc"]


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
