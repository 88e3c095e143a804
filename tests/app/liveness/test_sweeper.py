"""Jobs of silent workers return to the queue; live workers keep theirs."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis
from rq.worker import SimpleWorker

from app.liveness.heartbeats import SILENT_AFTER_S
from app.liveness.sweeper import Sweeper
from contract.keys import (
    INTERMEDIATE_KEY,
    STARTED_KEY,
    WORKERS_KEY,
    worker_executions_key,
    worker_key,
)
from tests.app.liveness.conftest import Clock
from tests.app.liveness.dead_worker import die_with, enqueue


@pytest.fixture
def sweeper(redis_url: str) -> Iterator[Sweeper]:
    sweeper = Sweeper(redis_url, failure_ttl_s=60)
    yield sweeper
    sweeper.close()


def sweep_twice(sweeper: Sweeper, clock: Clock) -> int:
    """Sweep, wait until workers without heartbeats are silent, sweep again."""
    first = sweeper.sweep()
    clock.sleep(SILENT_AFTER_S)
    return first + sweeper.sweep()


def test_jobs_of_a_silent_worker_are_requeued_once(
    connection: Redis, sweeper: Sweeper, clock: Clock
) -> None:
    queue = enqueue(connection, 3, retries=2)
    die_with(queue, 2)
    assert sweep_twice(sweeper, clock) == 2
    assert sorted(queue.job_ids) == ["job-0", "job-1", "job-2"]
    assert queue.started_job_registry.get_job_ids(cleanup=False) == []
    assert not SimpleWorker.all(queue=queue)
    assert sweep_twice(sweeper, clock) == 0


def test_a_worker_with_heartbeats_keeps_its_jobs(
    connection: Redis, sweeper: Sweeper, clock: Clock
) -> None:
    queue = enqueue(connection, 1, retries=2)
    die_with(queue, 1)
    (worker,) = SimpleWorker.all(queue=queue)
    for _ in range(5):
        worker.heartbeat()
        assert sweeper.sweep() == 0
        clock.sleep(SILENT_AFTER_S - 0.1)
    assert queue.job_ids == []


def test_a_silent_worker_is_found_although_its_entry_has_expired(
    connection: Redis, sweeper: Sweeper, clock: Clock
) -> None:
    queue = enqueue(connection, 1, retries=2)
    connection.delete(worker_key(die_with(queue, 1)))
    assert sweep_twice(sweeper, clock) == 1
    assert queue.job_ids == ["job-0"]
    assert connection.smembers(WORKERS_KEY) == set()


def test_two_front_ends_requeue_a_job_once(
    connection: Redis, redis_url: str, sweeper: Sweeper, clock: Clock
) -> None:
    queue = enqueue(connection, 40, retries=2)
    die_with(queue, 20)
    for _ in range(10):
        connection.lmove(queue.key, queue.intermediate_queue_key)
    other = Sweeper(redis_url, failure_ttl_s=60)
    assert (sweeper.sweep(), other.sweep()) == (0, 0)
    clock.sleep(SILENT_AFTER_S)
    with ThreadPoolExecutor(2) as threads:
        counts = [*threads.map(Sweeper.sweep, (sweeper, other))]
    other.close()
    assert sum(counts) == 30
    assert sorted(queue.job_ids) == sorted(f"job-{number}" for number in range(40))


def test_a_worker_that_can_not_be_read_hides_no_other(
    connection: Redis, sweeper: Sweeper, clock: Clock
) -> None:
    queue = enqueue(connection, 1, retries=2)
    connection.sadd(WORKERS_KEY, worker_key("odd"))
    connection.hset(worker_key("odd"), mapping={"birth": "nonsense", "last_heartbeat": "x"})
    die_with(queue, 1)
    assert sweep_twice(sweeper, clock) == 1
    assert sweeper.sweep() == 0


def test_entries_that_are_no_text_hide_no_others(
    connection: Redis, sweeper: Sweeper, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    queue = enqueue(connection, 2, retries=2)
    name = die_with(queue, 1)
    connection.lmove(queue.key, queue.intermediate_queue_key)
    connection.sadd(WORKERS_KEY, b"rq:worker:\xff")
    connection.sadd(worker_executions_key(name), b"\xfe:1")
    connection.zadd(STARTED_KEY, {b"\xfd:1": 2e9})
    connection.rpush(INTERMEDIATE_KEY, b"\xfc", b"\xfc")
    assert sweep_twice(sweeper, clock) == 2
    assert sorted(queue.job_ids) == ["job-0", "job-1"]
    assert not connection.exists(WORKERS_KEY, STARTED_KEY, INTERMEDIATE_KEY)
    # Each is named once, in ASCII.
    for entry in (r"b'rq:worker:\xff'", r"b'\xfe:1'", r"b'\xfd:1'", r"b'\xfc'"):
        assert caplog.text.count(entry) == 1


def test_keys_of_another_type_hide_no_others(
    connection: Redis, sweeper: Sweeper, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    queue = enqueue(connection, 1, retries=2)
    for name in ("a", "b", "y", "z"):
        connection.sadd(WORKERS_KEY, worker_key(name))
        connection.set(worker_key(name), b"")
        connection.set(worker_executions_key(name), b"")
    die_with(queue, 1)
    assert sweep_twice(sweeper, clock) == 1
    assert queue.job_ids == ["job-0"]
    assert sweep_twice(sweeper, clock) == 0
    for name in ("a", "b", "y", "z"):
        assert caplog.text.count(f"the jobs of worker {name} can't be requeued") == 1


def test_a_job_that_was_taken_and_never_started_is_requeued(
    connection: Redis, sweeper: Sweeper, clock: Clock
) -> None:
    queue = enqueue(connection, 2, retries=2)
    connection.lmove(queue.key, queue.intermediate_queue_key)
    assert sweep_twice(sweeper, clock) == 1
    assert queue.job_ids == ["job-0", "job-1"]


def test_a_sweep_without_redis_does_nothing() -> None:
    sweeper = Sweeper("unix:///nonexistent/redis.sock", failure_ttl_s=60)
    assert sweeper.sweep() == 0
    sweeper.close()
