"""The jobs of a dead worker return to the queue, or fail after too many dead workers."""

from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer
from rq.worker import SimpleWorker

from app.liveness import recovery
from app.liveness.recovery import recover, requeue_stuck
from contract.keys import input_key, record_key, reply_key, worker_executions_key
from contract.messages import Failure, decode_reply
from tests.app.liveness.dead_worker import die_with, enqueue


def test_jobs_of_a_dead_worker_return_to_the_front_of_the_queue(connection: Redis) -> None:
    queue = enqueue(connection, 4, retries=2)
    name = die_with(queue, 3)
    assert recover(connection, name, failure_ttl_s=60) == 3
    assert set(queue.job_ids[:3]) == {"job-0", "job-1", "job-2"}
    assert queue.job_ids[3] == "job-3"
    jobs = [Job.fetch(one, connection, JSONSerializer) for one in queue.job_ids]
    assert {job.get_status() for job in jobs} == {"queued"}
    assert sorted(job.retries_left or 0 for job in jobs) == [1, 1, 1, 2]
    assert queue.started_job_registry.get_job_ids(cleanup=False) == []
    assert not SimpleWorker.all(queue=queue)
    assert not list(connection.scan_iter("rq:execution*"))


def test_a_job_without_retries_left_fails_with_a_reply(connection: Redis) -> None:
    queue = enqueue(connection, 1, retries=0)
    assert recover(connection, die_with(queue, 1), failure_ttl_s=60) == 0
    raw = connection.lpop(reply_key("me"))
    # The reply may be lost with a cut connection.
    assert connection.get(record_key("job-0")) == raw
    reply = decode_reply(raw)
    assert isinstance(reply, Failure)
    assert reply.code == "internal-error"
    assert reply.submitted_unix_s is not None
    assert queue.job_ids == []
    assert queue.failed_job_registry.get_job_ids() == ["job-0"]
    assert not connection.exists(input_key("job-0"))
    assert connection.ttl(Job.key_for("job-0")) > 0


def test_jobs_taken_but_never_started_are_requeued(connection: Redis) -> None:
    queue = enqueue(connection, 2, retries=2)
    connection.lmove(queue.key, queue.intermediate_queue_key)
    queue.intermediate_queue.set_first_seen("job-0")
    assert recover(connection, "never-registered", failure_ttl_s=60) == 1
    assert queue.job_ids == ["job-0", "job-1"]
    assert not connection.keys(f"{queue.intermediate_queue_key}*")


def test_a_second_recovery_changes_nothing(connection: Redis) -> None:
    queue = enqueue(connection, 2, retries=2)
    name = die_with(queue, 2)
    recover(connection, name, failure_ttl_s=60)
    before = queue.job_ids
    assert recover(connection, name, failure_ttl_s=60) == 0
    assert queue.job_ids == before


def test_jobs_that_no_longer_exist_are_skipped(connection: Redis) -> None:
    queue = enqueue(connection, 2, retries=2)
    name = die_with(queue, 2)
    connection.delete(Job.key_for("job-0"))
    assert recover(connection, name, failure_ttl_s=60) == 1
    assert queue.job_ids == ["job-1"]


@pytest.fixture
def recover_meanwhile(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], list[int]]:
    """Return a function: once, another process recovers a worker just before this one writes.

    The function returns a list, to which the number of jobs that the other process requeues is added.
    """

    def prepare(name: str) -> list[int]:
        fetch = Job.fetch
        requeued: list[int] = []

        def fetch_late(*arguments: Any, **options: Any) -> Job:
            job = fetch(*arguments, **options)
            monkeypatch.setattr(Job, "fetch", fetch)
            with Redis.from_url(redis_url) as other:
                requeued.append(recover(other, name, failure_ttl_s=60))
            return job

        monkeypatch.setattr(Job, "fetch", fetch_late)
        return requeued

    return prepare


def test_processes_that_recover_a_worker_at_once_requeue_each_job_once(
    connection: Redis, recover_meanwhile: Callable[[str], list[int]]
) -> None:
    queue = enqueue(connection, 3, retries=2)
    name = die_with(queue, 2)
    requeued = recover_meanwhile(name)
    assert recover(connection, name, failure_ttl_s=60) == 0
    assert requeued == [2]
    assert sorted(queue.job_ids) == ["job-0", "job-1", "job-2"]
    jobs = [Job.fetch(one, connection, JSONSerializer) for one in queue.job_ids]
    assert sorted(job.retries_left or 0 for job in jobs) == [1, 1, 2]


def test_a_job_without_retries_gets_one_reply_from_processes_at_once(
    connection: Redis, recover_meanwhile: Callable[[str], list[int]]
) -> None:
    queue = enqueue(connection, 1, retries=0)
    name = die_with(queue, 1)
    requeued = recover_meanwhile(name)
    recover(connection, name, failure_ttl_s=60)
    assert requeued == [0]
    assert connection.llen(reply_key("me")) == 1


def test_a_job_that_left_the_intermediate_list_meanwhile_is_not_queued_again(
    connection: Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = enqueue(connection, 2, retries=2)
    connection.lmove(queue.key, queue.intermediate_queue_key)
    read_started = recovery.read_started

    def look_late(*arguments: Any) -> set[str]:
        """Let another sweeper put the job back just before this one does."""
        found = read_started(*arguments)
        monkeypatch.undo()
        with Redis.from_url(redis_url) as other:
            again = Queue(queue.name, connection=other, serializer=JSONSerializer)
            assert requeue_stuck(again, {"job-0"}) == 1
        return found

    monkeypatch.setattr(recovery, "read_started", look_late)
    assert requeue_stuck(queue, {"job-0"}) == 0
    assert queue.job_ids == ["job-0", "job-1"]


def test_an_execution_that_can_not_be_read_hides_no_other(
    connection: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    queue = enqueue(connection, 3, retries=2)
    name = die_with(queue, 3)
    connection.hset(Job.key_for("job-0"), "created_at", "nonsense")
    connection.hset(Job.key_for("job-1"), mapping={"data": b"nonsense", "retries_left": 0})
    connection.sadd(worker_executions_key(name), "nonsense")
    assert recover(connection, name, failure_ttl_s=60) == 1
    assert queue.job_ids == ["job-2"]
    assert not connection.exists(worker_executions_key(name))
    assert "can't be read" in caplog.text
