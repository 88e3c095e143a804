"""The names of RQ's keys in the contract are those of the installed RQ."""

from redis import Redis
from rq.executions import Execution
from rq.intermediate_queue import IntermediateQueue
from rq.queue import Queue
from rq.serializers import JSONSerializer
from rq.worker import SimpleWorker
from rq.worker_registration import WORKERS_BY_QUEUE_KEY

from contract import keys
from contract.intermediate import leave_intermediate


def test_a_workers_keys_are_rqs() -> None:
    assert SimpleWorker.redis_worker_namespace_prefix == keys.WORKER_KEY_PREFIX
    assert WORKERS_BY_QUEUE_KEY % keys.QUEUE_NAME == keys.WORKERS_KEY
    assert keys.worker_key("name") == SimpleWorker.redis_worker_namespace_prefix + "name"
    running = Execution("execution", "job", Redis(), worker_name="name")
    assert keys.worker_executions_key("name") == running.worker_executions_key


def test_the_keys_of_the_queue_and_the_intermediate_list_are_rqs() -> None:
    queue = Queue(keys.QUEUE_NAME, connection=Redis())
    assert queue.key == keys.QUEUE_KEY
    assert queue.intermediate_queue_key == keys.INTERMEDIATE_KEY
    rqs = IntermediateQueue(queue.key, queue.connection)
    assert keys.first_seen_key("job") == rqs.get_first_seen_key("job")


def test_a_job_that_leaves_the_intermediate_list_leaves_no_note(connection: Redis) -> None:
    queue = Queue(keys.QUEUE_NAME, connection=connection, serializer=JSONSerializer)
    for job_id in ("leaves", "stays"):
        connection.rpush(queue.intermediate_queue_key, job_id)
        queue.intermediate_queue.set_first_seen(job_id)
    with connection.pipeline() as pipeline:
        leave_intermediate("leaves", pipeline)
        pipeline.execute()
    assert queue.intermediate_queue.get_job_ids() == ["stays"]
    assert queue.intermediate_queue.get_first_seen("leaves") is None
    assert queue.intermediate_queue.get_first_seen("stays") is not None
