"""The jobs of a dead worker return to the queue, or fail after too many dead workers."""

from redis import Redis
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.worker import SimpleWorker

from app.liveness.recovery import recover
from contract.keys import input_key, recovery_lock_key, reply_key
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
    reply = decode_reply(connection.lpop(reply_key("me")))
    assert isinstance(reply, Failure)
    assert reply.code == "internal-error"
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


def test_only_one_process_recovers_a_worker(connection: Redis) -> None:
    queue = enqueue(connection, 1, retries=2)
    name = die_with(queue, 1)
    connection.set(recovery_lock_key(name), b"", ex=30)
    assert recover(connection, name, failure_ttl_s=60) == 0
    assert queue.job_ids == []
    connection.delete(recovery_lock_key(name))
    assert recover(connection, name, failure_ttl_s=60) == 1
    assert not connection.exists(recovery_lock_key(name))
