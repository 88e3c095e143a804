"""A batch leaves Redis as RQ's own SimpleWorker would have left it."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from redis import Redis
from rq import Retry
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer
from rq.worker import SimpleWorker

from contract.errors import CorruptImageError
from contract.keys import MAX_RETRIES, QUEUE_NAME, VERSION_FIELD, input_key, reply_key
from contract.messages import Failure, Options, Request, decode_reply
from tests.worker import stock_job
from worker import batching
from worker.batching import BatchWorker
from worker.pipeline import Item

JOB_NAME = f"{stock_job.__name__}.{stock_job.compress.__name__}"


class ScriptedPipeline:
    """Ends every item as its request's ``reply_to`` says; ``stock_job`` does the same."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    def run(self, items: Sequence[Item]) -> Iterator[Item]:
        self.batches.append([item.job_id for item in items])
        if any(item.request.reply_to == "whole batch" for item in items):
            raise RuntimeError("defect")
        for item in items:
            if item.request.reply_to == "defect":
                item.error = RuntimeError("defect")
            elif item.request.reply_to == "corrupt":
                item.error = CorruptImageError("Broken.")
            yield item


@pytest.fixture(autouse=True)
def _allow_the_stock_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "JOB_FUNCTION", JOB_NAME)


def enqueue(connection: Redis, ends: Sequence[str], *, retries: int = 0, **options: Any) -> Queue:
    queue = Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)
    for number, end in enumerate(ends):
        request = Request(Options(), end, 1, 100, time.time(), time.time() + 60)
        queue.enqueue(
            options.get("function", JOB_NAME),
            kwargs={"request": request.to_json()},
            job_id=f"job-{number}",
            job_timeout=60,
            result_ttl=100,
            failure_ttl=100,
            retry=Retry(max=retries, enqueue_at_front=True) if retries else None,
        )
    return queue


def batch_worker(
    queue: Queue, pipeline: ScriptedPipeline, version: str = "", **limits: int
) -> BatchWorker:
    return BatchWorker(
        queue,
        pipeline,  # type: ignore[arg-type]
        max_batch_size=limits.get("max_batch_size", 8),
        max_batch_pixels=limits.get("max_batch_pixels", 10_000),
        result_ttl_s=100,
        version=version,
        name="worker",
        connection=queue.connection,
        serializer=JSONSerializer,
    )


def state(connection: Redis) -> dict[str, object]:
    """Return what RQ has in Redis, without what differs from run to run: times and ids."""
    varying = {
        *(
            "created_at",
            "enqueued_at",
            "started_at",
            "ended_at",
            "last_heartbeat",
            "birth",
            "death",
        ),
        *("total_working_time", "pid", "data", "worker_version", "execution_id"),
        *("execution_started_at", "execution_ended_at", "exc_string"),
    }
    found: dict[str, object] = {}
    for raw in connection.keys("rq:*"):
        key = raw.decode()
        kind = connection.type(key).decode()
        lives = connection.ttl(key) > 0
        value: object
        if kind == "hash":
            value = {
                name.decode(): content
                for name, content in connection.hgetall(key).items()
                if name.decode() not in varying
            }
        elif kind == "zset":
            value = sorted(connection.zrange(key, 0, -1))
        elif kind == "list":
            value = connection.lrange(key, 0, -1)
        elif kind == "set":
            value = sorted(connection.smembers(key))
        elif kind == "stream":
            value = [
                {name: content for name, content in entry.items() if name.decode() not in varying}
                for _, entry in connection.xrange(key)
            ]
        else:
            value = kind
        found[key] = (kind, lives, value)
    return found


def reason(job: Job) -> str:
    """Return why a job failed."""
    result = job.latest_result()
    return (result and result.exc_string) or ""


@pytest.mark.parametrize("retries", [0, MAX_RETRIES])
@pytest.mark.parametrize(
    "ends", [["ok"] * 3, ["ok", "corrupt", "ok"], ["defect", "ok"], ["defect"] * 3]
)
def test_redis_after_a_batch_is_as_after_the_stock_worker(
    connection: Redis, ends: list[str], retries: int
) -> None:
    queue = enqueue(connection, ends, retries=retries)
    SimpleWorker([queue], name="worker", connection=connection, serializer=JSONSerializer).work(
        burst=True, logging_level="ERROR"
    )
    expected = state(connection)
    connection.flushall()

    pipeline = ScriptedPipeline()
    queue = enqueue(connection, ends, retries=retries)
    batch_worker(queue, pipeline).work(burst=True, logging_level="ERROR")
    actual = state(connection)
    # The failures' replies are ours, not RQ's.
    assert actual == expected
    assert pipeline.batches[0] == [f"job-{number}" for number in range(len(ends))]


def test_statuses_and_results_are_each_jobs_own(connection: Redis) -> None:
    queue = enqueue(connection, ["ok", "corrupt", "defect"])
    batch_worker(queue, ScriptedPipeline()).work(burst=True, logging_level="CRITICAL")
    jobs = [
        Job.fetch(f"job-{n}", connection=connection, serializer=JSONSerializer) for n in range(3)
    ]
    assert [job.get_status() for job in jobs] == ["finished", "finished", "failed"]
    assert jobs[0].return_value() == {"ok": True}
    assert jobs[1].return_value() == {"error": "corrupt-image"}
    assert "RuntimeError: defect" in reason(jobs[2])
    assert set(queue.finished_job_registry.get_job_ids()) == {"job-0", "job-1"}
    assert queue.failed_job_registry.get_job_ids() == ["job-2"]


def test_both_kinds_of_failure_are_replied_to(connection: Redis) -> None:
    queue = enqueue(connection, ["corrupt", "defect"])
    connection.set(input_key("job-0"), b"x")
    connection.set(input_key("job-1"), b"x")
    batch_worker(queue, ScriptedPipeline()).work(burst=True, logging_level="CRITICAL")
    codes = {}
    for end in ("corrupt", "defect"):
        reply = decode_reply(connection.lpop(reply_key(end)))
        assert isinstance(reply, Failure)
        codes[end] = reply.code
    assert codes == {"corrupt": "corrupt-image", "defect": "internal-error"}
    assert not connection.exists(input_key("job-0"), input_key("job-1"))


def test_a_defect_is_tried_again_alone_before_it_is_reported(connection: Redis) -> None:
    queue = enqueue(connection, ["ok", "defect", "ok"], retries=MAX_RETRIES)
    pipeline = ScriptedPipeline()
    batch_worker(queue, pipeline).work(burst=True, logging_level="CRITICAL")
    assert pipeline.batches == [["job-0", "job-1", "job-2"], ["job-1"], ["job-1"]]
    assert connection.llen(reply_key("defect")) == 1


def test_nothing_is_claimed_together_with_a_retried_job(connection: Redis) -> None:
    queue = enqueue(connection, ["ok"] * 5, retries=MAX_RETRIES)
    for retried in ("job-0", "job-3"):
        connection.hset(Job.key_for(retried), "retries_left", MAX_RETRIES - 1)
    pipeline = ScriptedPipeline()
    batch_worker(queue, pipeline).work(burst=True, logging_level="ERROR")
    assert pipeline.batches == [["job-0"], ["job-1", "job-2"], ["job-3"], ["job-4"]]
    assert not connection.exists(queue.intermediate_queue_key)


def test_when_a_batch_fails_as_a_whole_no_job_is_lost(connection: Redis) -> None:
    queue = enqueue(connection, ["ok", "whole batch", "ok"], retries=MAX_RETRIES)
    pipeline = ScriptedPipeline()
    batch_worker(queue, pipeline).work(burst=True, logging_level="CRITICAL")
    assert set(queue.finished_job_registry.get_job_ids()) == {"job-0", "job-2"}
    assert queue.failed_job_registry.get_job_ids() == ["job-1"]


def test_a_batch_takes_no_more_than_its_size(connection: Redis) -> None:
    queue = enqueue(connection, ["ok"] * 5)
    pipeline = ScriptedPipeline()
    batch_worker(queue, pipeline, max_batch_size=2).work(burst=True, logging_level="ERROR")
    assert [len(batch) for batch in pipeline.batches] == [2, 2, 1]


def test_a_batch_holds_no_more_pixels_than_allowed(connection: Redis) -> None:
    queue = enqueue(connection, ["ok"] * 5)
    pipeline = ScriptedPipeline()
    batch_worker(queue, pipeline, max_batch_pixels=250).work(burst=True, logging_level="ERROR")
    assert [len(batch) for batch in pipeline.batches] == [2, 2, 1]


def test_jobs_withdrawn_while_they_waited_leave_nothing(connection: Redis) -> None:
    queue = enqueue(connection, ["ok"] * 3)
    connection.delete(Job.key_for("job-1"))
    pipeline = ScriptedPipeline()
    batch_worker(queue, pipeline).work(burst=True, logging_level="ERROR")
    assert pipeline.batches == [["job-0", "job-2"]]
    assert not connection.exists(queue.intermediate_queue_key)


def test_a_job_of_another_name_is_never_run(connection: Redis) -> None:
    queue = enqueue(connection, ["ok"], function="os.getcwd")
    pipeline = ScriptedPipeline()
    batch_worker(queue, pipeline).work(burst=True, logging_level="CRITICAL")
    assert pipeline.batches == []
    job = Job.fetch("job-0", connection=connection, serializer=JSONSerializer)
    assert job.get_status() == "failed"
    assert "allow-list" in reason(job)


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
