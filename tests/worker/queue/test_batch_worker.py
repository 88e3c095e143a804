"""A batch leaves Redis as RQ's own SimpleWorker would have left it."""

import re
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from redis import Redis
from rq import Retry
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer
from rq.worker import SimpleWorker
from rq.worker_registration import WORKERS_BY_QUEUE_KEY

from contract.errors import CorruptImageError
from contract.keys import MAX_RETRIES, QUEUE_NAME, VERSION_FIELD, input_key, reply_key
from contract.messages import Failure, Options, Request, decode_reply
from tests.worker import stock_job
from worker.pipeline import Item
from worker.queue import batch_worker as batching
from worker.queue import scripts
from worker.queue.batch_worker import BatchWorker

# Of uuid4, as RQ names executions.
EXECUTION_ID = re.compile("[0-9a-f]{32}")
JOB_NAME = f"{stock_job.__name__}.{stock_job.compress.__name__}"


class ScriptedPipeline:
    """Ends every item as its request's ``reply_to`` says; ``stock_job`` does the same."""

    def __init__(self, max_open: int = 8, max_open_pixels: int = 10_000) -> None:
        # What was open together.
        self.batches: list[list[str]] = []
        self.under_way: list[int] = []
        self._max_open = max_open
        self._max_open_pixels = max_open_pixels
        self._items: list[Item] = []

    def put(self, items: Sequence[Item], *, under_way: int = 0) -> None:
        self._items += items
        self.under_way.append(under_way)

    def room(self) -> int:
        return self._max_open - len(self._items)

    def fits(self, cost_px: int) -> bool:
        open_px = sum(item.cost_px for item in self._items)
        return not self._items or open_px + cost_px <= self._max_open_pixels

    def longest_s(self) -> float:
        return 0.0

    def last_pass_s(self) -> float:
        return 0.0

    def step(self, _timeout_s: float) -> list[Item]:
        ended, self._items = self._items, []
        if ended:
            self.batches.append([item.job_id for item in ended])
        for item in ended:
            if item.request.reply_to == "defect":
                item.error = RuntimeError("defect")
            elif item.request.reply_to == "corrupt":
                item.error = CorruptImageError("Broken.")
        return ended


@pytest.fixture(autouse=True, params=["scripts", "RQ's methods"])
def _bookkeeping(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test runs with either way of writing RQ's records."""
    if request.param != "scripts":
        monkeypatch.setattr(scripts, "KNOWN_RQ_VERSIONS", frozenset())


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
        connection.set(input_key(f"job-{number}"), b"x", ex=60)
    return queue


def batch_worker(queue: Queue, pipeline: ScriptedPipeline, version: str = "") -> BatchWorker:
    return BatchWorker(
        queue,
        pipeline,  # type: ignore[arg-type]
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
        # Rounded: seconds may pass between two runs.
        lives = max(0, round(connection.ttl(key), -1))
        value: object
        if kind == "hash":
            value = {
                name.decode(): content
                for name, content in sorted(connection.hgetall(key).items())
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
                {n: content for n, content in sorted(entry.items()) if n.decode() not in varying}
                for _, entry in connection.xrange(key)
            ]
        else:
            value = kind
        found[EXECUTION_ID.sub("execution", key)] = (
            kind,
            lives,
            EXECUTION_ID.sub("execution", repr(value)),
        )
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


def test_redis_while_jobs_run_is_as_while_the_stock_worker_runs_one(
    connection: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, object]] = []
    monkeypatch.setattr(stock_job, "look", lambda: seen.append(state(connection)))
    queue = enqueue(connection, ["ok"], retries=MAX_RETRIES)
    SimpleWorker([queue], name="worker", connection=connection, serializer=JSONSerializer).work(
        burst=True, logging_level="ERROR"
    )
    connection.flushall()

    pipeline = ScriptedPipeline()
    step = pipeline.step

    def look_then_step(timeout_s: float) -> list[Item]:
        if not pipeline.batches:
            stock_job.look()
        return step(timeout_s)

    monkeypatch.setattr(pipeline, "step", look_then_step)
    queue = enqueue(connection, ["ok"], retries=MAX_RETRIES)
    batch_worker(queue, pipeline).work(burst=True, logging_level="ERROR")
    stock, ours = seen
    assert ours == stock


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


def test_no_more_is_claimed_than_has_room(connection: Redis) -> None:
    queue = enqueue(connection, ["ok"] * 5)
    pipeline = ScriptedPipeline(max_open=2)
    batch_worker(queue, pipeline).work(burst=True, logging_level="ERROR")
    assert [len(batch) for batch in pipeline.batches] == [2, 2, 1]


def test_no_more_is_claimed_than_this_workers_share(connection: Redis) -> None:
    queue = enqueue(connection, ["ok"] * 8)
    for key in ("rq:worker:second", "rq:worker:third"):
        connection.sadd(WORKERS_BY_QUEUE_KEY % QUEUE_NAME, key)
        connection.hset(key, "state", "busy")  # without it RQ takes them off
    pipeline = ScriptedPipeline()
    batch_worker(queue, pipeline).work(burst=True, logging_level="ERROR")
    # Each first one by RQ's loop, then a third of what is left, rounded up.
    assert [len(batch) for batch in pipeline.batches] == [1 + 3, 1 + 1, 1 + 1]


def test_a_pipeline_knows_how_many_photos_all_workers_are_at(connection: Redis) -> None:
    queue = enqueue(connection, ["ok"] * 2)
    elsewhere = {f"other-{number}:execution": time.time() + 60 for number in range(3)}
    elsewhere["of-a-dead-worker:execution"] = time.time() - 5
    connection.zadd(queue.started_job_registry.key, elsewhere)
    pipeline = ScriptedPipeline()
    batch_worker(queue, pipeline).work(burst=True, logging_level="ERROR")
    assert pipeline.under_way == [3 + 1, 3 + 2]


def test_no_more_pixels_are_open_than_allowed(connection: Redis) -> None:
    queue = enqueue(connection, ["ok"] * 5)
    pipeline = ScriptedPipeline(max_open_pixels=250)
    batch_worker(queue, pipeline).work(burst=True, logging_level="ERROR")
    assert pipeline.batches == [["job-0", "job-1"], ["job-2", "job-3"], ["job-4"]]
    assert not connection.exists(queue.intermediate_queue_key)


class SlowPipeline(ScriptedPipeline):
    """Lets the first item wait for a second one."""

    def __init__(self, arrive: Callable[[], object]) -> None:
        super().__init__()
        self._arrive = arrive

    def step(self, timeout_s: float) -> list[Item]:
        if len(self._items) == 1 and not self.batches:
            self._arrive()
            return []
        return super().step(timeout_s)


def test_what_arrives_while_others_are_open_is_claimed(connection: Redis) -> None:
    queue = enqueue(connection, ["ok"])
    arrivals = iter(["late"])

    def arrive() -> None:
        for job_id in arrivals:
            request = Request(Options(), "ok", 1, 100, time.time(), time.time() + 60)
            queue.enqueue(JOB_NAME, kwargs={"request": request.to_json()}, job_id=job_id)

    pipeline = SlowPipeline(arrive)
    batch_worker(queue, pipeline).work(burst=True, logging_level="ERROR")
    assert pipeline.batches == [["job-0", "late"]]


def test_a_job_that_was_queued_twice_is_begun_once(connection: Redis) -> None:
    queue = enqueue(connection, ["ok", "ok"], retries=MAX_RETRIES)
    for job_id in ("job-0", "job-1"):
        connection.rpush(queue.key, job_id)
    pipeline = ScriptedPipeline()
    batch_worker(queue, pipeline).work(burst=True, logging_level="ERROR")
    assert pipeline.batches == [["job-0", "job-1"]]
    assert not queue.started_job_registry.get_job_ids()
    assert not connection.exists(queue.key, queue.intermediate_queue_key)
    assert not list(connection.scan_iter("rq:execution:*"))


def test_a_job_that_names_a_callback_does_not_have_it_called(connection: Redis) -> None:
    queue = enqueue(connection, ["ok", "defect"])
    for number, kind in enumerate(["success", "failure"]):
        connection.hset(Job.key_for(f"job-{number}"), f"{kind}_callback_name", "os.abort")
    batch_worker(queue, ScriptedPipeline()).work(burst=True, logging_level="CRITICAL")
    assert queue.finished_job_registry.get_job_ids() == ["job-0"]
    assert queue.failed_job_registry.get_job_ids() == ["job-1"]


def test_jobs_that_depend_on_ours_follow(connection: Redis) -> None:
    queue = enqueue(connection, ["ok"] * 2)
    request = Request(Options(), "ok", 1, 100, time.time(), time.time() + 60)
    queue.enqueue(
        JOB_NAME, kwargs={"request": request.to_json()}, job_id="after", depends_on="job-1"
    )
    pipeline = ScriptedPipeline()
    batch_worker(queue, pipeline).work(burst=True, logging_level="ERROR")
    assert pipeline.batches == [["job-0", "job-1"], ["after"]]


def test_an_emptied_redis_gets_the_worker_registered_again(connection: Redis) -> None:
    queue = Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)
    worker = batch_worker(queue, ScriptedPipeline())
    worker.register_birth()
    connection.flushall()
    worker.heartbeat()
    (known,) = SimpleWorker.all(queue=queue, serializer=JSONSerializer)
    assert known.name == worker.name
    assert known.birth_date
    assert 0 < connection.ttl(worker.key) <= 600


class EmptiedPipeline(ScriptedPipeline):
    """Finds, as the real one does, that the input is gone."""

    def step(self, timeout_s: float) -> list[Item]:
        ended = super().step(timeout_s)
        for item in ended:
            item.withdrawn = True
        return ended


def test_nothing_of_a_job_comes_back_in_an_emptied_redis(connection: Redis) -> None:
    queue = enqueue(connection, ["ok"] * 2, retries=MAX_RETRIES)
    pipeline = EmptiedPipeline()
    put = pipeline.put

    def empty_then_put(items: Sequence[Item], *, under_way: int) -> None:
        connection.flushall()
        put(items, under_way=under_way)

    pipeline.put = empty_then_put  # type: ignore[method-assign]
    batch_worker(queue, pipeline).work(burst=True, logging_level="ERROR")
    kept = ("rq:worker", "rq:group", "rq:clean_registries")
    assert [key for key in connection.scan_iter() if not key.decode().startswith(kept)] == []


def test_a_full_redis_is_waited_for(connection: Redis) -> None:
    """What has ended is recorded once there is room; the loop goes on by itself."""
    queue = enqueue(connection, ["ok"] * 3)
    pipeline = ScriptedPipeline()
    put = pipeline.put

    def put_then_fill(items: Sequence[Item], *, under_way: int) -> None:
        put(items, under_way=under_way)
        connection.config_set("maxmemory", "1")

    pipeline.put = put_then_fill  # type: ignore[method-assign]
    pauses: list[float] = []

    def make_room(seconds: float) -> None:
        pauses.append(seconds)
        connection.config_set("maxmemory", "1gb")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batching.time, "sleep", make_room)
        try:
            batch_worker(queue, pipeline).work(burst=True, logging_level="ERROR")
        finally:
            connection.config_set("maxmemory", "1gb")
    assert pauses
    assert len(queue.finished_job_registry.get_job_ids()) == 3
    assert queue.started_job_registry.get_job_ids(cleanup=False) == []


def test_a_full_redis_does_not_keep_what_is_open_from_ending(connection: Redis) -> None:
    """Only its end makes room; what waits in the queue can't even be looked at meanwhile."""
    queue = enqueue(connection, ["ok"] * 3)
    pipeline = ScriptedPipeline()
    put, step = pipeline.put, pipeline.step

    def put_then_fill(items: Sequence[Item], *, under_way: int) -> None:
        put(items, under_way=under_way)
        if not pipeline.batches:
            connection.config_set("maxmemory", "1")

    def make_room_then_step(timeout_s: float) -> list[Item]:
        connection.config_set("maxmemory", "1gb")
        return step(timeout_s)

    def pause(_seconds: float) -> None:
        connection.config_set("maxmemory", "1gb")
        pytest.fail("the worker waited for Redis before it ended what was open")

    pipeline.put = put_then_fill  # type: ignore[method-assign]
    pipeline.step = make_room_then_step  # type: ignore[method-assign]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batching.time, "sleep", pause)
        try:
            batch_worker(queue, pipeline).work(burst=True, logging_level="ERROR")
        finally:
            connection.config_set("maxmemory", "1gb")
    assert pipeline.batches == [["job-0"], ["job-1", "job-2"]]
    assert len(queue.finished_job_registry.get_job_ids()) == 3


class OneByOnePipeline(ScriptedPipeline):
    """Ends one item at each step, the last one when ``may_end`` says so."""

    def __init__(self, queue: Queue, may_end: Callable[[int], bool]) -> None:
        super().__init__()
        self.recorded: list[int] = []
        self._queue = queue
        self._may_end = may_end

    def step(self, _timeout_s: float) -> list[Item]:
        self.recorded.append(len(self._queue.finished_job_registry.get_job_ids()))
        if len(self._items) == 1 and not self._may_end(self.recorded[-1]):
            return []
        return [self._items.pop(0)] if self._items else []


def test_ends_are_recorded_together(connection: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "RECORDS_PAUSE_S", 60.0)
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


def test_no_mark_of_rqs_maintenance_outlives_a_job_that_was_taken(connection: Redis) -> None:
    queue = enqueue(connection, ["ok", "corrupt", "defect"])
    for job_id in queue.job_ids:
        assert queue.intermediate_queue.set_first_seen(job_id)
    batch_worker(queue, ScriptedPipeline(max_open_pixels=150)).work(
        burst=True, logging_level="CRITICAL"
    )
    assert not connection.keys("*first_seen*")


@pytest.mark.parametrize(
    ("pause_s", "pass_s", "found", "expected_s"),
    [
        (0.005, 0.0, True, batching.SHORTEST_PAUSE_S),
        (0.1, 0.16, True, 0.02),  # a pass runs long: what has come can wait for the next
        (0.1, float("inf"), True, batching.MOST_PAUSE_S),
        (0.005, 0.0, False, 0.01),
        (0.02, 0.0, False, batching.LONGEST_PAUSE_S),
        (0.04, 0.4, False, 0.05),
        (0.1, float("inf"), False, batching.MOST_PAUSE_S),
    ],
)
def test_the_pause_between_two_looks_follows_what_was_found_and_the_pass(
    pause_s: float, pass_s: float, *, found: bool, expected_s: float
) -> None:
    assert batching.next_pause_s(pause_s, pass_s, found=found) == pytest.approx(expected_s)


def test_a_redis_that_has_forgotten_the_script_gets_it_again(connection: Redis) -> None:
    for _ in range(2):
        queue = enqueue(connection, ["ok"] * 2)
        pipeline = ScriptedPipeline()
        batch_worker(queue, pipeline).work(burst=True, logging_level="ERROR")
        assert pipeline.batches == [["job-0", "job-1"]]
        connection.script_flush()


def test_a_defect_in_the_pipeline_gives_its_jobs_back(connection: Redis) -> None:
    queue = enqueue(connection, ["ok"] * 2, retries=MAX_RETRIES)
    pipeline = ScriptedPipeline()

    def break_down(_timeout_s: float) -> list[Item]:
        raise RuntimeError("a defect of ours")

    pipeline.step = break_down  # type: ignore[method-assign]
    batch_worker(queue, pipeline).work(burst=True, logging_level="CRITICAL")
    assert sorted(queue.job_ids) == ["job-0", "job-1"]
    assert queue.started_job_registry.get_job_ids(cleanup=False) == []


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
