"""A dead worker's jobs go back to the queue, or end when they killed too many."""

import time

from redis import Redis
from rq import Retry
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer
from rq.worker import SimpleWorker

from app.liveness.recovery import recover
from contract.keys import JOB_FUNCTION, QUEUE_NAME, input_key, reply_key
from contract.messages import Failure, Options, Request, decode_reply


def enqueue(connection: Redis, count: int, retries: int) -> Queue:
    queue = Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)
    for number in range(count):
        request = Request(Options(), "me", 1, 1, time.time(), time.time() + 60)
        queue.enqueue(
            JOB_FUNCTION,
            kwargs={"request": request.to_json()},
            job_id=f"job-{number}",
            retry=Retry(max=retries, enqueue_at_front=True) if retries else None,
        )
        connection.set(input_key(f"job-{number}"), b"data")
    return queue


def die_with(queue: Queue, count: int) -> str:
    """Do what a worker does up to the middle of ``count`` jobs, and no more; return its name."""
    worker = SimpleWorker(
        [queue], name="dead", connection=queue.connection, serializer=JSONSerializer
    )
    worker.register_birth()
    for _ in range(count):
        found = worker.dequeue_job_and_maintain_ttl(None)
        assert found is not None
        worker.prepare_execution(found[0])
        worker.prepare_job_execution(found[0], remove_from_intermediate_queue=True)
    return worker.name


def test_jobs_of_a_dead_worker_come_first_again(connection: Redis) -> None:
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


def test_a_job_that_outlived_its_retries_is_answered(connection: Redis) -> None:
    queue = enqueue(connection, 1, retries=0)
    assert recover(connection, die_with(queue, 1), failure_ttl_s=60) == 0
    reply = decode_reply(connection.lpop(reply_key("me")))
    assert isinstance(reply, Failure)
    assert reply.code == "internal-error"
    assert queue.job_ids == []
    assert queue.failed_job_registry.get_job_ids() == ["job-0"]
    assert not connection.exists(input_key("job-0"))
    assert connection.ttl(Job.key_for("job-0")) > 0


def test_jobs_between_queue_and_start_are_found(connection: Redis) -> None:
    queue = enqueue(connection, 2, retries=2)
    connection.lmove(queue.key, queue.intermediate_queue_key)
    queue.intermediate_queue.set_first_seen("job-0")
    assert recover(connection, "never-registered", failure_ttl_s=60) == 1
    assert queue.job_ids == ["job-0", "job-1"]
    assert not connection.keys(f"{queue.intermediate_queue_key}*")


def test_recovering_twice_changes_nothing(connection: Redis) -> None:
    queue = enqueue(connection, 2, retries=2)
    name = die_with(queue, 2)
    recover(connection, name, failure_ttl_s=60)
    before = queue.job_ids
    assert recover(connection, name, failure_ttl_s=60) == 0
    assert queue.job_ids == before


def test_jobs_that_are_gone_are_passed_over(connection: Redis) -> None:
    queue = enqueue(connection, 2, retries=2)
    name = die_with(queue, 2)
    connection.delete(Job.key_for("job-0"))
    assert recover(connection, name, failure_ttl_s=60) == 1
    assert queue.job_ids == ["job-1"]
