"""A worker counts its start and its jobs by their outcome in one hash that outlives it."""

from redis import Redis

from contract.keys import TOTALS_KEY
from tests.worker.queue.scripted_pipeline import ScriptedPipeline, batch_worker, enqueue
from worker.queue.totals import Totals


def test_a_worker_counts_its_start_and_each_job_once(connection: Redis) -> None:
    queue = enqueue(connection, ["ok", "ok", "corrupt", "hopeless", "defect"])
    batch_worker(queue, ScriptedPipeline()).work(burst=True, logging_level="CRITICAL")
    assert connection.hgetall(TOTALS_KEY) == {
        b"starts": b"1",
        b"jobs:finished": b"2",
        b"jobs:refused": b"1",
        b"jobs:late": b"1",
        b"jobs:failed": b"1",
    }
    assert connection.ttl(TOTALS_KEY) > 86_400


def test_a_second_worker_adds_to_the_counts_of_the_first(connection: Redis) -> None:
    for _ in range(2):
        queue = enqueue(connection, ["ok"])
        batch_worker(queue, ScriptedPipeline()).work(burst=True, logging_level="CRITICAL")
    assert connection.hgetall(TOTALS_KEY) == {b"starts": b"2", b"jobs:finished": b"2"}


def test_counts_that_were_not_sent_are_sent_later(connection: Redis) -> None:
    totals = Totals()
    totals.count("starts")
    with connection.pipeline() as pipeline:
        totals.add_to(pipeline)  # its commands are never executed
    with connection.pipeline() as pipeline:
        totals.add_to(pipeline)
        pipeline.execute()
        totals.clear()
        totals.add_to(pipeline)
        assert len(pipeline) == 0
    assert connection.hget(TOTALS_KEY, "starts") == b"1"
