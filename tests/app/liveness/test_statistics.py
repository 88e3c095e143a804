"""Front ends read what workers count and report; nothing in Redis can break a scrape."""

import asyncio

import redis

from app.liveness.live_workers import LiveWorkers
from app.liveness.recovery import recover
from app.liveness.statistics import Statistics, WorkerReport, parse_count
from contract.keys import (
    DEVICE_MEMORY_FIELD,
    MEMORY_FIELD,
    OPEN_JOBS_FIELD,
    OUTCOMES,
    TOTALS_KEY,
    WORKERS_KEY,
    worker_key,
)
from tests.app.liveness.dead_worker import die_with, enqueue
from tests.idle_worker import register_worker


def read(redis_url: str) -> Statistics:
    async def run() -> Statistics:
        live_workers = LiveWorkers(redis_url)
        try:
            return await live_workers.read_statistics()
        finally:
            await live_workers.close()

    return asyncio.run(run())


def test_counts_reports_and_memory_are_read(redis_url: str, connection: redis.Redis) -> None:
    counts = {"starts": 3, "deaths": 1, "jobs:finished": 7, "jobs:failed": 2}
    connection.hset(TOTALS_KEY, mapping=counts)
    worker = register_worker(
        connection, **{MEMORY_FIELD: 5, DEVICE_MEMORY_FIELD: "", OPEN_JOBS_FIELD: 0}
    )
    connection.sadd(WORKERS_KEY, worker_key("expired"))
    found = read(redis_url)
    assert (found.starts, found.deaths) == (3, 1)
    assert found.jobs == {"finished": 7, "refused": 0, "late": 0, "withdrawn": 0, "failed": 2}
    assert found.workers == (WorkerReport(worker.name, 5, None, 0),)
    assert found.redis_memory_bytes
    assert found.redis_memory_bytes > 0


def test_an_empty_redis_has_counts_of_zero(redis_url: str, connection: redis.Redis) -> None:
    connection.config_set("maxmemory", 0)
    found = read(redis_url)
    assert (found.starts, found.deaths, found.workers) == (0, 0, ())
    assert found.jobs == dict.fromkeys(OUTCOMES, 0)
    assert found.redis_max_memory_bytes is None


def test_what_is_no_count_is_unknown(redis_url: str, connection: redis.Redis) -> None:
    connection.hset(TOTALS_KEY, mapping={"starts": "many", "deaths": "-1", "jobs:x": "9" * 40})
    connection.hset(TOTALS_KEY, mapping={f"jobs:{n}": 1 for n in range(1000)})
    worker = register_worker(connection, **{MEMORY_FIELD: "1e9", OPEN_JOBS_FIELD: "two"})
    connection.sadd(WORKERS_KEY, worker_key("text"), b"rq:worker:\xff\n")
    connection.set(worker_key("text"), "no hash")
    connection.hset(b"rq:worker:\xff\n", "last_heartbeat", "now")
    found = read(redis_url)
    assert (found.starts, found.deaths) == (0, 0)
    assert set(found.jobs) == set(OUTCOMES)
    names = {worker.name, "\ufffd\ufffd"}
    assert set(found.workers) == {WorkerReport(name, None, None, None) for name in names}
    assert [parse_count(raw) for raw in (None, b"", b"7", b"\xff")] == [None, None, 7, None]


def test_a_dead_worker_is_counted_once(redis_url: str, connection: redis.Redis) -> None:
    name = die_with(enqueue(connection, 1, retries=2), 1)
    for _ in range(2):
        recover(connection, name, failure_ttl_s=60)
    assert read(redis_url).deaths == 1


def test_a_worker_that_ended_by_itself_is_no_death(redis_url: str, connection: redis.Redis) -> None:
    worker = register_worker(connection)
    worker.register_death()
    recover(connection, worker.name, failure_ttl_s=60)
    assert read(redis_url).deaths == 0
