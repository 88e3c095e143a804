"""The workers on RQ's list that still send heartbeats are alive, and describe themselves."""

import asyncio

import redis
from rq.serializers import JSONSerializer
from rq.worker import SimpleWorker

from app.liveness.live_workers import LiveWorker, read_workers
from app.redis import connect
from contract.keys import PHOTO_RATE_FIELD, QUEUE_NAME, RATE_FIELD, VERSION_FIELD, worker_key


def register(connection: redis.Redis, name: str) -> None:
    SimpleWorker(
        [QUEUE_NAME], name=name, connection=connection, serializer=JSONSerializer
    ).register_birth()


def read(redis_url: str) -> list[LiveWorker]:
    async def run() -> list[LiveWorker]:
        async with connect(redis_url) as client:
            return await read_workers(client)

    return asyncio.run(run())


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
