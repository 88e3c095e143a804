"""A job leaves RQ's intermediate list together with RQ's note about it."""

from redis import Redis
from rq.queue import Queue
from rq.serializers import JSONSerializer

from contract.intermediate import leave_intermediate
from contract.keys import QUEUE_NAME


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
