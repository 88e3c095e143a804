"""RQ's records during and after a batch equal those that RQ's SimpleWorker writes."""

import re
import time
from itertools import chain
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer
from rq.worker import SimpleWorker

from contract.intermediate import put_back
from contract.keys import (
    DEVICE_MEMORY_FIELD,
    MAX_RETRIES,
    MEMORY_FIELD,
    OPEN_JOBS_FIELD,
    PHOTO_RATE_FIELD,
    RATE_FIELD,
    VERSION_FIELD,
    WORKERS_KEY,
)
from contract.messages import Options, Request
from tests.worker.queue import stock_job
from tests.worker.queue.scripted_pipeline import (
    JOB_NAME,
    ScriptedPipeline,
    batch_worker,
    enqueue,
    reason,
)
from worker.item import Item
from worker.queue.records import Records

# RQ names an execution by a uuid4.
EXECUTION_ID = re.compile("[0-9a-f]{32}")
# Fields that differ between two runs, and our own.
VARYING = {
    *(VERSION_FIELD, RATE_FIELD, PHOTO_RATE_FIELD),
    *(MEMORY_FIELD, DEVICE_MEMORY_FIELD, OPEN_JOBS_FIELD),
    *("birth", "created_at", "death", "ended_at", "enqueued_at", "last_heartbeat", "started_at"),
    *("data", "execution_id", "pid", "total_working_time", "worker_version"),
    *("exc_string", "execution_ended_at", "execution_started_at"),
}


def read_records(connection: Redis) -> dict[str, object]:
    """Return RQ's keys with type, rounded time to live and content, without times and ids."""
    found: dict[str, object] = {}
    for raw in connection.keys("rq:*"):
        key = raw.decode()
        kind = connection.type(key).decode()
        # Rounded, since the two runs may be some seconds apart.
        ttl_s = max(0, round(connection.ttl(key), -1))
        value: object
        if kind == "hash":
            value = {
                name.decode(): content
                for name, content in sorted(connection.hgetall(key).items())
                if name.decode() not in VARYING
            }
        elif kind == "zset":
            value = sorted(connection.zrange(key, 0, -1))
        elif kind == "list":
            value = connection.lrange(key, 0, -1)
        elif kind == "set":
            value = sorted(connection.smembers(key))
        elif kind == "stream":
            value = [
                {n: content for n, content in sorted(entry.items()) if n.decode() not in VARYING}
                for _, entry in connection.xrange(key)
            ]
        else:
            value = kind
        found[EXECUTION_ID.sub("execution", key)] = (
            kind,
            ttl_s,
            EXECUTION_ID.sub("execution", repr(value)),
        )
    return found


@pytest.mark.parametrize("retries", [0, MAX_RETRIES])
@pytest.mark.parametrize(
    "ends", [["ok"] * 3, ["ok", "corrupt", "ok"], ["defect", "ok"], ["defect"] * 3]
)
def test_records_after_a_batch_equal_those_of_the_stock_worker(
    connection: Redis, ends: list[str], retries: int
) -> None:
    queue = enqueue(connection, ends, retries=retries)
    SimpleWorker([queue], name="worker", connection=connection, serializer=JSONSerializer).work(
        burst=True, logging_level="ERROR"
    )
    expected = read_records(connection)
    connection.flushall()

    pipeline = ScriptedPipeline()
    queue = enqueue(connection, ends, retries=retries)
    batch_worker(queue, pipeline).work(burst=True, logging_level="ERROR")
    actual = read_records(connection)
    assert actual == expected
    assert pipeline.batches[0] == [f"job-{number}" for number in range(len(ends))]


def test_records_while_a_job_runs_equal_those_of_the_stock_worker(
    connection: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, object]] = []
    monkeypatch.setattr(stock_job, "look", lambda: seen.append(read_records(connection)))
    queue = enqueue(connection, ["ok"], retries=MAX_RETRIES)
    SimpleWorker([queue], name="worker", connection=connection, serializer=JSONSerializer).work(
        burst=True, logging_level="ERROR"
    )
    connection.flushall()

    pipeline = ScriptedPipeline()
    advance = pipeline.advance

    def look_then_advance(timeout_s: float) -> list[Item]:
        if not pipeline.batches:
            stock_job.look()
        return advance(timeout_s)

    monkeypatch.setattr(pipeline, "advance", look_then_advance)
    queue = enqueue(connection, ["ok"], retries=MAX_RETRIES)
    batch_worker(queue, pipeline).work(burst=True, logging_level="ERROR")
    stock, ours = seen
    assert ours == stock


def test_each_job_has_its_own_status_and_result(connection: Redis) -> None:
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


def test_a_job_that_depends_on_another_runs_after_it(connection: Redis) -> None:
    queue = enqueue(connection, ["ok"] * 2)
    request = Request(Options(), "ok", 1, 100, time.time(), time.time() + 60)
    queue.enqueue(
        JOB_NAME, kwargs={"request": request.to_json()}, job_id="after", depends_on="job-1"
    )
    pipeline = ScriptedPipeline()
    batch_worker(queue, pipeline).work(burst=True, logging_level="ERROR")
    assert pipeline.batches == [["job-0", "job-1"], ["after"]]


def test_the_scripts_are_loaded_again_when_redis_has_lost_them(connection: Redis) -> None:
    for _ in range(2):
        queue = enqueue(connection, ["ok"] * 2)
        pipeline = ScriptedPipeline()
        batch_worker(queue, pipeline).work(burst=True, logging_level="ERROR")
        assert pipeline.batches == [["job-0", "job-1"]]
        connection.script_flush()


def test_a_worker_claims_at_most_its_share_of_the_queue(connection: Redis) -> None:
    queue = enqueue(connection, ["ok"] * 8)
    for key in ("rq:worker:second", "rq:worker:third"):
        connection.sadd(WORKERS_KEY, key)
        connection.hset(key, "state", "busy")  # RQ unregisters workers without a hash
    pipeline = ScriptedPipeline()
    batch_worker(queue, pipeline).work(burst=True, logging_level="ERROR")
    # RQ's loop takes one job, then the worker a third of the others, rounded up.
    assert [len(batch) for batch in pipeline.batches] == [1 + 3, 1 + 1, 1 + 1]


def test_the_pipeline_is_told_how_many_photos_all_workers_have(connection: Redis) -> None:
    queue = enqueue(connection, ["ok"] * 2)
    elsewhere = {f"other-{number}:execution": time.time() + 60 for number in range(3)}
    elsewhere["of-a-dead-worker:execution"] = time.time() - 5
    connection.zadd(queue.started_job_registry.key, elsewhere)
    pipeline = ScriptedPipeline()
    batch_worker(queue, pipeline).work(burst=True, logging_level="ERROR")
    assert pipeline.in_flight == [3 + 1, 3 + 2]


def test_a_job_that_was_put_back_meanwhile_is_not_started(
    connection: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = enqueue(connection, ["ok"] * 3)
    pipeline = ScriptedPipeline()
    worker = batch_worker(queue, pipeline)
    take, seen = Records.take, [0]

    def take_late(records: Records, count: int) -> list[tuple[str, Job | None]]:
        """Let a sweeper put a job back while this worker is stopped."""
        taken = take(records, count)
        if not seen[0]:
            seen[0] = len(taken)
            assert put_back(["job-1"], connection) == 1
        return taken

    monkeypatch.setattr(Records, "take", take_late)
    worker.work(burst=True, logging_level="ERROR")
    assert seen == [2]
    assert sorted(chain(*pipeline.batches)) == ["job-0", "job-1", "job-2"]
    assert not connection.exists(queue.key, queue.intermediate_queue_key)


def test_a_start_whose_response_is_lost_starts_the_same_jobs_the_next_time(
    connection: Redis,
) -> None:
    queue = enqueue(connection, ["ok"] * 2)
    worker = batch_worker(queue, ScriptedPipeline())
    records = Records(worker, queue)
    jobs = [job for _, job in records.take(2) if job]
    script, faults = records._start, [RedisConnectionError("cut")] * 2

    def lose_response(**arguments: Any) -> Any:
        response = script(**arguments)
        if faults:
            raise faults.pop()
        return response

    records._start = lose_response  # type: ignore[assignment]
    for _ in range(2):
        with pytest.raises(RedisConnectionError):
            records.start(jobs)
    assert [one.job.id for one in records.start(jobs)] == ["job-0", "job-1"]
    assert len(queue.started_job_registry.get_job_ids()) == 2
    assert connection.scard(worker.executions_key) == 2
    # A later run of the job is another execution.
    jobs[0].set_status(JobStatus.QUEUED)
    queue.push_job_id("job-0")
    assert len(records.start([job for _, job in records.take(1) if job])) == 1
    assert connection.scard(worker.executions_key) == 3


def test_a_job_that_is_queued_twice_is_started_by_one_worker(connection: Redis) -> None:
    queue = enqueue(connection, ["ok"])
    connection.rpush(queue.key, "job-0")
    worker = batch_worker(queue, ScriptedPipeline())
    one, other = Records(worker, queue), Records(worker, queue)
    jobs = [job for records in (one, other) for _, job in records.take(1) if job]
    assert len(one.start(jobs[:1])) == 1
    assert other.start(jobs[1:]) == []
    assert not connection.exists(queue.intermediate_queue_key)


def test_an_end_that_is_recorded_twice_counts_once(connection: Redis) -> None:
    queue = enqueue(connection, ["ok"])
    worker = batch_worker(queue, ScriptedPipeline())
    records = Records(worker, queue)
    started = records.start([job for _, job in records.take(1) if job])
    records.finish([(started[0], {"ok": True})])
    once = read_records(connection)
    records.finish([(started[0], {"ok": True})])
    assert read_records(connection) == once


def test_a_taken_job_that_can_not_be_read_is_deleted(connection: Redis) -> None:
    queue = enqueue(connection, ["ok"] * 3)
    connection.hset(Job.key_for("job-0"), "created_at", "yesterday")
    connection.delete(Job.key_for("job-1"))
    records = Records(batch_worker(queue, ScriptedPipeline()), queue)
    taken = records.take(3)
    assert [(job_id, job is None) for job_id, job in taken] == [("job-1", True), ("job-2", False)]
    assert not connection.exists(Job.key_for("job-0"))
    assert b"job-0" not in connection.lrange(queue.intermediate_queue_key, 0, -1)


def test_a_taken_id_that_is_no_text_is_dropped(
    connection: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    queue = enqueue(connection, ["ok"] * 2)
    connection.lpush(queue.key, b"\xff")
    records = Records(batch_worker(queue, ScriptedPipeline()), queue)
    assert [job_id for job_id, _ in records.take(3)] == ["job-0", "job-1"]
    assert connection.lrange(queue.intermediate_queue_key, 0, -1) == [b"job-0", b"job-1"]
    assert r"b'\xff'" in caplog.text
