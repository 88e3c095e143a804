"""Jobs start once, end separately, and their ends are recorded together."""

import time
from collections.abc import Callable, Sequence

import pytest
from redis import Redis
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer

from contract.keys import (
    MAX_RETRIES,
    QUEUE_KEY,
    TOTALS_KEY,
    input_key,
    reply_key,
    worker_executions_key,
)
from contract.messages import Failure, decode_reply
from tests.worker.queue.scripted_pipeline import (
    ScriptedPipeline,
    batch_worker,
    enqueue,
    reason,
)
from worker.item import Item
from worker.queue import open_jobs
from worker.queue.open_jobs import OpenJobs
from worker.queue.records import Records
from worker.replies import Replies


def test_client_errors_and_defects_get_a_reply(connection: Redis) -> None:
    queue = enqueue(connection, ["corrupt", "defect"])
    batch_worker(queue, ScriptedPipeline()).work(burst=True, logging_level="CRITICAL")
    codes = {}
    for end in ("corrupt", "defect"):
        reply = decode_reply(connection.lpop(reply_key(end)))
        assert isinstance(reply, Failure)
        codes[end] = reply.code
    assert codes == {"corrupt": "corrupt-image", "defect": "internal-error"}
    assert not connection.exists(input_key("job-0"), input_key("job-1"))


def test_a_photo_that_would_be_late_is_told_at_once_and_not_tried_again(connection: Redis) -> None:
    queue = enqueue(connection, ["hopeless"], retries=MAX_RETRIES)
    pipeline = ScriptedPipeline()
    batch_worker(queue, pipeline).work(burst=True, logging_level="ERROR")
    assert pipeline.batches == [["job-0"]]
    reply = decode_reply(connection.lpop(reply_key("hopeless")))
    assert isinstance(reply, Failure)
    assert reply.code == "queue-full"
    assert not connection.exists(input_key("job-0"))
    assert queue.finished_job_registry.get_job_ids() == ["job-0"]


def test_a_job_that_was_queued_twice_is_started_once(connection: Redis) -> None:
    queue = enqueue(connection, ["ok", "ok"], retries=MAX_RETRIES)
    for job_id in ("job-0", "job-1"):
        connection.rpush(queue.key, job_id)
    pipeline = ScriptedPipeline()
    batch_worker(queue, pipeline).work(burst=True, logging_level="ERROR")
    assert pipeline.batches == [["job-0", "job-1"]]
    assert not queue.started_job_registry.get_job_ids()
    assert not connection.exists(queue.key, queue.intermediate_queue_key)
    assert not list(connection.scan_iter("rq:execution:*"))


def test_callbacks_that_a_job_names_are_not_called(connection: Redis) -> None:
    queue = enqueue(connection, ["ok", "defect"])
    for number, kind in enumerate(["success", "failure"]):
        connection.hset(Job.key_for(f"job-{number}"), f"{kind}_callback_name", "os.abort")
    batch_worker(queue, ScriptedPipeline()).work(burst=True, logging_level="CRITICAL")
    assert queue.finished_job_registry.get_job_ids() == ["job-0"]
    assert queue.failed_job_registry.get_job_ids() == ["job-1"]


def test_the_time_limit_is_that_of_the_open_job_with_the_shortest(connection: Redis) -> None:
    queue = enqueue(connection, ["ok"] * 3)
    worker = batch_worker(queue, ScriptedPipeline())
    records = Records(worker, queue)
    jobs = OpenJobs(worker, queue, records, Replies(connection, ttl_s=60))
    assert jobs.shortest_timeout_s() == float("inf")
    taken = [job for _, job in records.take(3) if job]
    for job, timeout_s in zip(taken, (90, 30, None), strict=True):
        job.timeout = timeout_s
    items = jobs.start(taken[:1])
    assert jobs.shortest_timeout_s() == 90
    items += jobs.start(taken[1:])
    assert len(jobs) == 3
    assert jobs.shortest_timeout_s() == 30
    jobs.end(items)
    assert jobs.has_ended
    jobs.record()
    assert (len(jobs), jobs.has_ended) == (0, False)
    assert jobs.shortest_timeout_s() == float("inf")


class EmptiedPipeline(ScriptedPipeline):
    """Withdraws every item, as the real pipeline does when the input no longer exists."""

    def advance(self, timeout_s: float) -> list[Item]:
        ended = super().advance(timeout_s)
        for item in ended:
            item.withdrawn = True
        return ended


def test_no_part_of_a_job_is_written_to_an_emptied_redis(connection: Redis) -> None:
    queue = enqueue(connection, ["ok"] * 2, retries=MAX_RETRIES)
    pipeline = EmptiedPipeline()
    submit = pipeline.submit

    def empty_then_submit(items: Sequence[Item], *, in_flight: int) -> None:
        connection.flushall()
        submit(items, in_flight=in_flight)

    pipeline.submit = empty_then_submit  # type: ignore[method-assign]
    batch_worker(queue, pipeline).work(burst=True, logging_level="ERROR")
    kept = ("rq:worker", "rq:group", "rq:clean_registries", TOTALS_KEY)
    assert [key for key in connection.scan_iter() if not key.decode().startswith(kept)] == []


class OneByOnePipeline(ScriptedPipeline):
    """Ends one item with each call of `advance`, the last one when ``may_end`` allows it."""

    def __init__(self, queue: Queue, may_end: Callable[[int], bool]) -> None:
        super().__init__()
        self.recorded: list[int] = []
        self._queue = queue
        self._may_end = may_end

    def advance(self, _timeout_s: float) -> list[Item]:
        self.recorded.append(len(self._queue.finished_job_registry.get_job_ids()))
        if len(self._items) == 1 and not self._may_end(self.recorded[-1]):
            return []
        return [self._items.pop(0)] if self._items else []


def test_the_ends_of_jobs_are_recorded_together(
    connection: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_jobs, "RECORDS_PAUSE_S", 60.0)
    queue = enqueue(connection, ["ok"] * 3)
    pipeline = OneByOnePipeline(queue, lambda _recorded: True)
    batch_worker(queue, pipeline).work(burst=True, logging_level="ERROR")
    assert pipeline.recorded[:3] == [0, 0, 0]
    assert len(queue.finished_job_registry.get_job_ids()) == 3


def test_an_end_is_recorded_while_another_job_is_still_open(connection: Redis) -> None:
    queue = enqueue(connection, ["ok"] * 2)
    give_up_s = time.monotonic() + 10
    pipeline = OneByOnePipeline(
        queue, lambda recorded: recorded == 1 or time.monotonic() > give_up_s
    )
    batch_worker(queue, pipeline).work(burst=True, logging_level="ERROR")
    assert pipeline.recorded[-1] == 1


def test_a_defect_in_the_pipeline_returns_its_jobs_to_the_queue(connection: Redis) -> None:
    queue = enqueue(connection, ["ok"] * 2, retries=MAX_RETRIES)
    pipeline = ScriptedPipeline()

    def fail(_timeout_s: float) -> list[Item]:
        raise RuntimeError("a defect")

    pipeline.advance = fail  # type: ignore[method-assign]
    batch_worker(queue, pipeline).work(burst=True, logging_level="CRITICAL")
    assert sorted(queue.job_ids) == ["job-0", "job-1"]
    assert queue.started_job_registry.get_job_ids(cleanup=False) == []


class RequeuedPipeline(ScriptedPipeline):
    """Lets a front end requeue the first jobs, as if their worker had been silent."""

    def __init__(self, connection: Redis) -> None:
        super().__init__()
        self._connection = connection
        self.waiting: list[int] = []

    def advance(self, timeout_s: float) -> list[Item]:
        ended = super().advance(timeout_s)
        if ended:
            self.waiting.append(self._connection.llen(QUEUE_KEY))
        if len(self.batches) == 1 and ended:
            key = worker_executions_key("worker")
            for composite in self._connection.smembers(key):
                self._connection.srem(key, composite)
                job_id = composite.decode().partition(":")[0]
                self._connection.hset(Job.key_for(job_id), "status", "queued")
                self._connection.rpush(QUEUE_KEY, job_id)
        return ended


def test_a_job_that_another_process_requeued_is_not_queued_again(connection: Redis) -> None:
    queue = enqueue(connection, ["defect"], retries=1)
    pipeline = RequeuedPipeline(connection)
    batch_worker(queue, pipeline).work(burst=True, logging_level="CRITICAL")
    assert pipeline.batches == [["job-0"]] * 3
    assert pipeline.waiting == [0, 0, 0]
    assert connection.llen(reply_key("defect")) == 1


def test_a_job_with_another_function_is_not_run(connection: Redis) -> None:
    queue = enqueue(connection, ["ok"], function="os.getcwd")
    pipeline = ScriptedPipeline()
    batch_worker(queue, pipeline).work(burst=True, logging_level="CRITICAL")
    assert pipeline.batches == []
    job = Job.fetch("job-0", connection=connection, serializer=JSONSerializer)
    assert job.get_status() == "failed"
    assert "allow-list" in reason(job)


@pytest.mark.parametrize(
    "fields", [{"pixels": "100"}, {"deadline_unix_s": None}, {"options": {"unknown": 1}}]
)
def test_a_job_with_an_invalid_request_fails_alone_and_gets_a_reply(
    connection: Redis, fields: dict[str, object]
) -> None:
    queue = enqueue(connection, ["ok", "ok", "ok"])
    for number in (0, 2):
        job = Job.fetch(f"job-{number}", connection=connection, serializer=JSONSerializer)
        job.kwargs = {"request": {**job.kwargs["request"], "reply_to": "odd", **fields}}
        job.save()
    pipeline = ScriptedPipeline()
    batch_worker(queue, pipeline).work(burst=True, logging_level="CRITICAL")
    assert pipeline.batches == [["job-1"]]
    replies = [decode_reply(raw) for raw in connection.lrange(reply_key("odd"), 0, -1)]
    assert {reply.job_id for reply in replies} == {"job-0", "job-2"}
    assert {reply.code for reply in replies if isinstance(reply, Failure)} == {"internal-error"}
