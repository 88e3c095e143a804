"""A worker that nobody supervises falls silent: its jobs go back, those of a live one stay."""

import time
from collections.abc import Iterator

import pytest
from redis import Redis
from rq.queue import Queue
from rq.worker import SimpleWorker

from app.liveness.heartbeats import Heartbeats
from app.liveness.sweeper import Sweeper
from tests.app.liveness.test_recovery import die_with, enqueue

SILENT_AFTER_S = 0.3


@pytest.fixture
def sweeper(redis_url: str) -> Iterator[Sweeper]:
    sweeper = Sweeper(redis_url, failure_ttl_s=60, silent_after_s=SILENT_AFTER_S)
    yield sweeper
    sweeper.close()


def sweep_twice(sweeper: Sweeper) -> int:
    """Look, wait until who says nothing is silent, look again."""
    first = sweeper.sweep()
    time.sleep(1.2 * SILENT_AFTER_S)
    return first + sweeper.sweep()


def test_jobs_of_a_silent_worker_go_back_once(connection: Redis, sweeper: Sweeper) -> None:
    queue = enqueue(connection, 3, retries=2)
    die_with(queue, 2)
    assert sweep_twice(sweeper) == 2
    assert sorted(queue.job_ids) == ["job-0", "job-1", "job-2"]
    assert queue.started_job_registry.get_job_ids(cleanup=False) == []
    assert not SimpleWorker.all(queue=queue)
    assert sweep_twice(sweeper) == 0


def test_a_worker_that_reports_keeps_its_jobs(connection: Redis, sweeper: Sweeper) -> None:
    queue = enqueue(connection, 1, retries=2)
    die_with(queue, 1)
    (worker,) = SimpleWorker.all(queue=queue)
    for _ in range(5):
        worker.heartbeat()
        assert sweeper.sweep() == 0
        time.sleep(SILENT_AFTER_S / 3)
    assert queue.job_ids == []


def test_a_worker_whose_entry_has_expired_is_found(connection: Redis, sweeper: Sweeper) -> None:
    queue = enqueue(connection, 1, retries=2)
    connection.delete(SimpleWorker.redis_worker_namespace_prefix + die_with(queue, 1))
    assert sweep_twice(sweeper) == 1
    assert queue.job_ids == ["job-0"]
    assert connection.smembers("rq:workers:foveate") == set()


def test_two_front_ends_put_a_job_back_once(connection: Redis, sweeper: Sweeper) -> None:
    queue = enqueue(connection, 1, retries=2)
    name = die_with(queue, 1)
    connection.set(f"foveate:recovering:{name}", b"", ex=30)  # the other one is at it
    assert sweep_twice(sweeper) == 0
    connection.delete(f"foveate:recovering:{name}")
    assert sweeper.sweep() == 1


def test_a_job_that_was_taken_and_never_begun_goes_back(
    connection: Redis, sweeper: Sweeper
) -> None:
    queue = enqueue(connection, 2, retries=2)
    connection.lmove(queue.key, queue.intermediate_queue_key)
    assert sweep_twice(sweeper) == 1
    assert queue.job_ids == ["job-0", "job-1"]


def test_one_of_ours_is_silent_though_others_took_it_off_the_list(
    connection: Redis, sweeper: Sweeper
) -> None:
    name = die_with(enqueue(connection, 1, retries=2), 1)
    heartbeats = Heartbeats(SILENT_AFTER_S)
    assert heartbeats.find_silent(connection, [name, "starting"]) == set()
    sweep_twice(sweeper)
    time.sleep(0.2 * SILENT_AFTER_S)
    assert heartbeats.find_silent(connection, [name, "starting"]) == {name}


def test_nobody_is_silent_while_redis_takes_nothing(connection: Redis) -> None:
    queue: Queue = enqueue(connection, 1, retries=2)
    name = die_with(queue, 1)
    heartbeats = Heartbeats(SILENT_AFTER_S)
    assert heartbeats.find_silent(connection) == set()
    time.sleep(1.2 * SILENT_AFTER_S)
    connection.config_set("maxmemory", "1")
    try:
        assert heartbeats.find_silent(connection) == set()
    finally:
        connection.config_set("maxmemory", "1gb")
    # What was heard before doesn't count: nobody could be heard since.
    assert heartbeats.find_silent(connection) == set()
    time.sleep(1.2 * SILENT_AFTER_S)
    assert heartbeats.find_silent(connection) == {name}


def test_without_redis_there_is_no_sweep() -> None:
    sweeper = Sweeper("unix:///nonexistent/redis.sock", failure_ttl_s=60)
    assert sweeper.sweep() == 0
    sweeper.close()
