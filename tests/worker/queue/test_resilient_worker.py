"""A worker registers again with an emptied Redis, and waits for a full one."""

import time
from collections.abc import Sequence

import pytest
from redis import Redis
from rq.queue import Queue
from rq.serializers import JSONSerializer
from rq.worker import SimpleWorker

from contract.keys import QUEUE_NAME, VERSION_FIELD
from tests.worker.queue.scripted import (
    ScriptedPipeline,
    batch_worker,
    enqueue,
)
from worker.item import Item


def test_an_emptied_redis_gets_the_worker_registered_again(connection: Redis) -> None:
    queue = Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)
    worker = batch_worker(queue, ScriptedPipeline())
    worker.register_birth()
    connection.flushall()
    worker.heartbeat()
    (known,) = SimpleWorker.all(queue=queue, serializer=JSONSerializer)
    assert known.name == worker.name
    assert known.birth_date
    assert 0 < connection.ttl(worker.key) <= 600


def test_a_full_redis_is_waited_for(connection: Redis) -> None:
    """What has ended is recorded once there is room; the loop goes on by itself."""
    queue = enqueue(connection, ["ok"] * 3)
    pipeline = ScriptedPipeline()
    submit = pipeline.submit

    def submit_then_fill(items: Sequence[Item], *, in_flight: int) -> None:
        submit(items, in_flight=in_flight)
        connection.config_set("maxmemory", "1")

    pipeline.submit = submit_then_fill  # type: ignore[method-assign]
    pauses: list[float] = []

    def free_memory(seconds: float) -> None:
        pauses.append(seconds)
        connection.config_set("maxmemory", "1gb")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "sleep", free_memory)
        try:
            batch_worker(queue, pipeline).work(burst=True, logging_level="ERROR")
        finally:
            connection.config_set("maxmemory", "1gb")
    assert pauses
    assert len(queue.finished_job_registry.get_job_ids()) == 3
    assert queue.started_job_registry.get_job_ids(cleanup=False) == []


def test_a_full_redis_does_not_keep_what_is_open_from_ending(connection: Redis) -> None:
    """Only its end makes room; what waits in the queue can't even be looked at meanwhile."""
    queue = enqueue(connection, ["ok"] * 3)
    pipeline = ScriptedPipeline()
    submit, advance = pipeline.submit, pipeline.advance

    def submit_then_fill(items: Sequence[Item], *, in_flight: int) -> None:
        submit(items, in_flight=in_flight)
        if not pipeline.batches:
            connection.config_set("maxmemory", "1")

    def free_memory_then_advance(timeout_s: float) -> list[Item]:
        connection.config_set("maxmemory", "1gb")
        return advance(timeout_s)

    def pause(_seconds: float) -> None:
        connection.config_set("maxmemory", "1gb")
        pytest.fail("the worker waited for Redis before it ended what was open")

    pipeline.submit = submit_then_fill  # type: ignore[method-assign]
    pipeline.advance = free_memory_then_advance  # type: ignore[method-assign]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "sleep", pause)
        try:
            batch_worker(queue, pipeline).work(burst=True, logging_level="ERROR")
        finally:
            connection.config_set("maxmemory", "1gb")
    assert pipeline.batches == [["job-0"], ["job-1", "job-2"]]
    assert len(queue.finished_job_registry.get_job_ids()) == 3


def test_the_version_is_all_that_a_worker_adds_to_its_registration(connection: Redis) -> None:
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
    assert names[1] - names[0] == {VERSION_FIELD.encode()}
    assert names[0] <= names[1]
