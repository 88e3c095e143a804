"""A worker registers again after Redis was emptied, and waits while Redis is full."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest
from redis import Redis
from rq.queue import Queue
from rq.serializers import JSONSerializer
from rq.worker import SimpleWorker

from contract.keys import (
    DEVICE_MEMORY_FIELD,
    MEMORY_FIELD,
    OPEN_JOBS_FIELD,
    PHOTO_RATE_FIELD,
    QUEUE_NAME,
    RATE_FIELD,
    VERSION_FIELD,
)
from tests.worker.queue.scripted_pipeline import ScriptedPipeline, batch_worker, enqueue
from worker.item import Item

SetMemory = Callable[[str], None]


@pytest.fixture
def set_memory(connection: Redis) -> Iterator[SetMemory]:
    """Return a function that sets Redis' limit on memory; the test's end restores it."""

    def set_limit(limit: str) -> None:
        connection.config_set("maxmemory", limit)

    yield set_limit
    set_limit("1gb")


def test_a_worker_registers_again_with_an_emptied_redis(connection: Redis) -> None:
    queue = Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)
    worker = batch_worker(queue, ScriptedPipeline())
    worker.register_birth()
    connection.flushall()
    worker.heartbeat()
    (registered,) = SimpleWorker.all(queue=queue, serializer=JSONSerializer)
    assert registered.name == worker.name
    assert registered.birth_date
    assert 0 < connection.ttl(worker.key) <= 600


class FillingPipeline(ScriptedPipeline):
    """Fills Redis with the first items that it takes."""

    def __init__(self, set_memory: SetMemory) -> None:
        super().__init__()
        self._set_memory = set_memory

    def submit(self, items: Sequence[Item], *, in_flight: int = 0) -> None:
        super().submit(items, in_flight=in_flight)
        if not self.batches:
            self._set_memory("1")


def test_a_worker_waits_for_a_full_redis_and_then_records_all_ends(
    connection: Redis, set_memory: SetMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = enqueue(connection, ["ok"] * 3)
    pauses_s: list[float] = []

    def free_memory(seconds: float) -> None:
        pauses_s.append(seconds)
        set_memory("1gb")

    monkeypatch.setattr(time, "sleep", free_memory)
    batch_worker(queue, FillingPipeline(set_memory)).work(burst=True, logging_level="ERROR")
    assert pauses_s
    assert len(queue.finished_job_registry.get_job_ids()) == 3
    assert queue.started_job_registry.get_job_ids(cleanup=False) == []


def test_open_jobs_end_while_redis_is_full(
    connection: Redis, set_memory: SetMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their ends free memory, so the worker must not wait before them."""
    queue = enqueue(connection, ["ok"] * 3)
    pipeline = FillingPipeline(set_memory)
    advance = pipeline.advance

    def free_memory_then_advance(timeout_s: float) -> list[Item]:
        set_memory("1gb")
        return advance(timeout_s)

    def fail(_seconds: float) -> None:
        set_memory("1gb")
        pytest.fail("the worker waited for Redis before it advanced the pipeline")

    monkeypatch.setattr(pipeline, "advance", free_memory_then_advance)
    monkeypatch.setattr(time, "sleep", fail)
    batch_worker(queue, pipeline).work(burst=True, logging_level="ERROR")
    assert pipeline.batches == [["job-0"], ["job-1", "job-2"]]
    assert len(queue.finished_job_registry.get_job_ids()) == 3


def test_ids_that_are_no_text_end_no_worker(
    connection: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    queue = enqueue(connection, ["ok"] * 3)
    connection.lpush(queue.key, b"\xff", b"\xfe")
    connection.rpush(queue.intermediate_queue_key, b"\xfd")
    connection.rpush(queue.key, b"\xff")
    with caplog.at_level(logging.ERROR):
        batch_worker(queue, ScriptedPipeline()).work(burst=True, logging_level="ERROR")
    assert len(queue.finished_job_registry.get_job_ids()) == 3
    # A front end's sweep drops what no worker has taken.
    assert connection.lrange(queue.intermediate_queue_key, 0, -1) == [b"\xfd"]
    assert caplog.text.count("an id in the queue is no text") == 3


def test_a_heartbeat_is_sent_at_most_once_in_its_interval(connection: Redis) -> None:
    worker = batch_worker(enqueue(connection, []), ScriptedPipeline())
    worker.register_birth()
    connection.config_resetstat()
    for _ in range(3):
        worker.heartbeat()
    stats = connection.info("commandstats")
    assert stats["cmdstat_sismember"]["calls"] == 1
    assert stats["cmdstat_expire"]["calls"] == 2  # of the worker and its executions


def test_a_worker_adds_only_what_front_ends_read_to_rqs_registration(connection: Redis) -> None:
    queue = Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)
    names: list[set[bytes]] = []
    for worker in (
        SimpleWorker([queue], name="worker", connection=connection, serializer=JSONSerializer),
        batch_worker(queue, ScriptedPipeline(), version="v1"),
    ):
        worker.register_birth()
        names.append(set(connection.hkeys(worker.key)))
        assert connection.ttl(worker.key) > 0
        worker.register_death()
        connection.flushall()
    assert names[1] - names[0] == {
        name.encode()
        for name in (
            *(VERSION_FIELD, RATE_FIELD, PHOTO_RATE_FIELD),
            *(MEMORY_FIELD, DEVICE_MEMORY_FIELD, OPEN_JOBS_FIELD),
        )
    }
    assert names[0] <= names[1]


def test_a_worker_tells_its_version_and_its_present_rates_with_each_heartbeat(
    connection: Redis,
) -> None:
    queue = Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)
    pipeline = ScriptedPipeline()
    worker = batch_worker(queue, pipeline, version="abc")
    worker.register_birth()
    fields = [VERSION_FIELD, RATE_FIELD, PHOTO_RATE_FIELD]
    assert connection.hmget(worker.key, fields) == [b"abc", b"20000000", b"10000000"]
    pipeline.rates_px_per_s = lambda: (5e6, 3e6)  # type: ignore[method-assign]
    worker.heartbeat()
    assert connection.hmget(worker.key, fields) == [b"abc", b"5000000", b"3000000"]
    connection.flushall()
    worker._last_beat_s = 0.0
    worker.heartbeat()
    assert connection.hmget(worker.key, fields) == [b"abc", b"5000000", b"3000000"]


def test_maintenance_that_fails_ends_no_worker(
    connection: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    queue = enqueue(connection, ["ok"])
    connection.zadd(queue.started_job_registry.key, {"nonsense": 1})
    pipeline = ScriptedPipeline()
    batch_worker(queue, pipeline).work(burst=True, logging_level="ERROR")
    assert pipeline.batches == [["job-0"]]
    assert "maintenance failed" in caplog.text


def test_the_thread_for_commands_is_started_again(
    connection: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)
    worker = batch_worker(queue, ScriptedPipeline())
    starts: list[int] = []
    monkeypatch.setattr(SimpleWorker, "subscribe", lambda _: starts.append(1))
    worker.register_birth()
    dead = threading.Thread()
    worker.pubsub_thread = dead
    worker.heartbeat()
    assert starts == [1]
