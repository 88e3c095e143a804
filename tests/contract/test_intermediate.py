"""A job leaves RQ's intermediate list together with RQ's note about it, and only once."""

from redis import Redis
from rq.queue import Queue
from rq.serializers import JSONSerializer

from contract.intermediate import leave_intermediate, put_back
from contract.keys import QUEUE_NAME, job_key


def test_a_job_that_leaves_the_list_takes_its_note_along(connection: Redis) -> None:
    queue = Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)
    intermediate = queue.intermediate_queue
    for job_id in ("leaving", "staying"):
        connection.rpush(queue.intermediate_queue_key, job_id)
        intermediate.set_first_seen(job_id)
    with connection.pipeline() as pipeline:
        leave_intermediate("leaving", pipeline)
        pipeline.execute()
    assert intermediate.get_job_ids() == ["staying"]
    assert intermediate.get_first_seen("leaving") is None
    assert intermediate.get_first_seen("staying") is not None


def test_jobs_are_put_back_once_in_their_order(connection: Redis) -> None:
    queue = Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)
    connection.rpush(queue.key, "waiting")
    for job_id in ("first", "second", "expired"):
        connection.rpush(queue.intermediate_queue_key, job_id)
        queue.intermediate_queue.set_first_seen(job_id)
        if job_id != "expired":
            connection.hset(job_key(job_id), "status", "queued")
    job_ids = ["first", "second", "expired", "unknown"]
    assert [put_back(job_ids, connection) for _ in range(2)] == [2, 0]
    assert queue.job_ids == ["first", "second", "waiting"]
    assert not connection.keys(f"{queue.intermediate_queue_key}*")
