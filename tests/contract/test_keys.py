"""Keys of RQ have the names that the installed RQ gives them; our own keys are distinct."""

from redis import Redis
from rq.executions import Execution
from rq.intermediate_queue import IntermediateQueue
from rq.job import Job
from rq.queue import Queue
from rq.registry import StartedJobRegistry
from rq.worker import SimpleWorker
from rq.worker_registration import WORKERS_BY_QUEUE_KEY

from contract import keys


def test_a_workers_keys_are_those_of_rq() -> None:
    assert SimpleWorker.redis_worker_namespace_prefix == keys.WORKER_KEY_PREFIX
    assert WORKERS_BY_QUEUE_KEY % keys.QUEUE_NAME == keys.WORKERS_KEY
    assert keys.worker_key("name") == SimpleWorker.redis_worker_namespace_prefix + "name"
    execution = Execution("execution", "job", Redis(), worker_name="name")
    assert keys.worker_executions_key("name") == execution.worker_executions_key


def test_the_keys_of_the_queue_and_its_intermediate_list_are_those_of_rq() -> None:
    queue = Queue(keys.QUEUE_NAME, connection=Redis())
    assert queue.key == keys.QUEUE_KEY
    assert queue.intermediate_queue_key == keys.INTERMEDIATE_KEY
    assert StartedJobRegistry(keys.QUEUE_NAME, connection=Redis()).key == keys.STARTED_KEY
    intermediate = IntermediateQueue(queue.key, queue.connection)
    assert keys.job_key("job") == Job.key_for("job")
    assert keys.first_seen_key("job") == intermediate.get_first_seen_key("job")


def test_keys_with_the_same_id_are_distinct_and_have_our_prefix() -> None:
    functions = (
        *(keys.input_key, keys.image_key, keys.heatmap_key, keys.record_key),
        *(keys.cache_key, keys.reply_key),
    )
    made = {key_of("an-id") for key_of in functions}
    assert len(made) == len(functions)
    assert all(key.startswith("foveate:") and key.endswith(":an-id") for key in made)
