"""A worker's connection to Redis that is cut at any command: each job ends once, with the right reply."""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Retry as RqRetry
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer
from rq.worker import SimpleWorker

from app.liveness.sweeper import Sweeper
from bench.robustness.cutting_proxy import Cut, CuttingProxy, cut_nothing
from contract.errors import CorruptImageError
from contract.keys import (
    JOB_FUNCTION,
    MAX_RETRIES,
    QUEUE_NAME,
    image_key,
    input_key,
    record_key,
    reply_key,
)
from contract.messages import Failure, Options, Reply, Request, Result, decode_reply
from tests.integration.cut_connections import MAX_COMMANDS, CutAtKind
from tests.worker.centre_predictor import CentrePredictor
from worker.item import Item
from worker.pipeline import Limits, Pipeline
from worker.queue import open_jobs
from worker.queue.batch_worker import BatchWorker

TTL_S = 100
FRONT_END = "me"
ENDS = ("ok", "corrupt", "defect", "ok")


class QuickPipeline(Pipeline):
    """The worker's pipeline; ``original_bytes`` of a request says how its photo ends."""

    def __init__(self, connection: Redis) -> None:
        super().__init__(
            connection,
            CentrePredictor(side_by_side=False),
            threads=1,
            limits=Limits(4, 10**6, 10**6, 0.0),
            result_ttl_s=TTL_S,
        )
        self.encoded: Counter[str] = Counter()

    def _decode(self, items: list[Item]) -> None:
        pass

    def _predict(self, items: list[Item]) -> None:
        pass

    def _encode(self, items: list[Item]) -> None:
        (item,) = items
        assert item.data is not None
        self.encoded[item.job_id] += 1
        if item.data == b"corrupt":
            raise CorruptImageError("Broken.")
        if item.data == b"defect":
            raise RuntimeError("A defect.")
        image = to_image(item.job_id)
        item.blobs = {image_key(item.job_id): image}
        item.result = Result(item.job_id, 3, 3, 1, len(image), 1, "v", None, dict(item.stage_ms), 1)


def to_image(job_id: str) -> bytes:
    return b"jpeg of " + job_id.encode()


def enqueue(connection: Redis) -> Queue:
    queue = Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)
    for number, data in enumerate(ENDS):
        job_id = f"job-{number}"
        request = Request(Options(), FRONT_END, 1, 9, time.time(), time.time() + 60)
        connection.set(input_key(job_id), data, ex=TTL_S)
        queue.enqueue(
            JOB_FUNCTION,
            kwargs={"request": request.to_json()},
            job_id=job_id,
            job_timeout=60,
            ttl=TTL_S,
            result_ttl=TTL_S,
            failure_ttl=TTL_S,
            retry=RqRetry(max=MAX_RETRIES, enqueue_at_front=True),
        )
    # It was retried before, so it runs alone, and a worker that takes it with others puts it back.
    connection.hset(Job.key_for("job-3"), "retries_left", MAX_RETRIES - 1)
    return queue


def work(redis_url: str, begin: Callable[[], None] = lambda: None) -> Counter[str]:
    """Run a worker until the queue is empty; return how often it has encoded each job.

    ``begin`` is called when the worker is connected.
    """
    # As in ``worker.__main__``.
    with Redis.from_url(redis_url, retry=Retry(NoBackoff(), 1)) as connection:
        pipeline = QuickPipeline(connection)
        worker = BatchWorker(
            Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer),
            pipeline,
            result_ttl_s=TTL_S,
            name="worker",
            connection=connection,
            serializer=JSONSerializer,
        )
        begin()
        with suppress(RedisError):  # as `run_worker` does
            worker.work(burst=True, logging_level="CRITICAL")
        pipeline.close()
        return pipeline.encoded


def read_replies(connection: Redis) -> dict[str, Reply]:
    """Return the replies by job id; each job has one, which is also its record."""
    raw_replies = connection.lrange(reply_key(FRONT_END), 0, -1)
    replies = [decode_reply(raw) for raw in raw_replies]
    assert sorted(reply.job_id for reply in replies) == [f"job-{n}" for n in range(len(ENDS))]
    for raw, reply in zip(raw_replies, replies, strict=True):
        assert connection.get(record_key(reply.job_id)) == raw
    return {reply.job_id: reply for reply in replies}


def check_ends(connection: Redis, queue: Queue) -> None:
    """Check that each job has one right reply, and that nothing of it is left to be run."""
    for job_id, reply in read_replies(connection).items():
        end = ENDS[int(job_id.removeprefix("job-"))]
        assert not connection.exists(input_key(job_id))
        if end == "ok":
            assert isinstance(reply, Result)
            assert connection.get(image_key(job_id)) == to_image(job_id)
        else:
            assert isinstance(reply, Failure)
            assert reply.code == {"corrupt": "corrupt-image", "defect": "internal-error"}[end]
        assert connection.xlen(f"rq:results:{job_id}") == 1
    assert queue.job_ids == []
    assert queue.intermediate_queue.get_job_ids() == []
    assert queue.started_job_registry.get_job_ids(cleanup=False) == []
    assert not list(connection.scan_iter("rq:execution*"))
    lasting = {key.decode() for key in connection.scan_iter() if connection.ttl(key) == -1}
    # The last are registries, which RQ's maintenance cleans.
    kept = ("rq:queues", "rq:workers", "rq:finished:", "rq:failed:", "rq:group")
    assert not [key for key in lasting if not key.startswith(kept)], lasting


@pytest.fixture(autouse=True)
def _wait_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start no thread for RQ's commands; shorten the pauses of an outage."""
    monkeypatch.setattr(SimpleWorker, "subscribe", lambda _worker: None)
    monkeypatch.setattr(open_jobs, "RECORDS_PAUSE_S", 0.0)
    sleep = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: sleep(min(seconds, 0.01)))


@pytest.mark.parametrize(("when", "cuts"), [("before", 2), ("after", 1), ("after", 2)])
def test_a_cut_at_any_command_of_a_worker_neither_loses_nor_repeats_a_job(
    cutting_proxy: CuttingProxy, connection: Redis, redis_url: str, when: Cut, cuts: int
) -> None:
    for number in range(1, MAX_COMMANDS):
        connection.flushall()
        queue = enqueue(connection)
        cut = CutAtKind(number, when, cuts)
        try:
            encoded = work(cutting_proxy.url, partial(setattr, cutting_proxy, "choose", cut))
        finally:
            cutting_proxy.choose = cut_nothing
        try:
            put_back_lost(redis_url)
            if queue.count:
                connection.delete("rq:worker:worker")
                encoded += work(redis_url)
            check_ends(connection, queue)
            for job_id, times in encoded.items():
                end = ENDS[int(job_id.removeprefix("job-"))]
                assert times <= (1 + MAX_RETRIES if end == "defect" else 1), encoded
        except AssertionError as error:
            error.add_note(f"cut {when} command {number}: {cut.command}")
            raise
        if not cut.command:
            break
    assert 30 < number < MAX_COMMANDS - 1


def put_back_lost(redis_url: str) -> None:
    """Return jobs to the queue that a worker has taken and not started, as front ends do."""
    sweeper = Sweeper(redis_url, failure_ttl_s=TTL_S, silent_after_s=0.0)
    sweeper.sweep()
    sweeper.close()
