"""A worker claims as many jobs as it has capacity for, and runs retried jobs alone."""

import time
from collections.abc import Callable

import pytest
from redis import Redis
from rq.job import Job

from contract.intermediate import put_back
from contract.keys import MAX_RETRIES, reply_key
from contract.messages import Options, Request
from tests.worker.queue.scripted_pipeline import (
    JOB_NAME,
    ScriptedPipeline,
    batch_worker,
    enqueue,
)
from worker.item import Item
from worker.queue.claim_timer import MAX_PAUSE_S


def test_a_job_that_fails_is_retried_alone_before_its_failure_is_reported(
    connection: Redis,
) -> None:
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


def test_no_more_is_claimed_than_the_pipelines_capacity(connection: Redis) -> None:
    queue = enqueue(connection, ["ok"] * 5)
    pipeline = ScriptedPipeline(max_open=2)
    batch_worker(queue, pipeline).work(burst=True, logging_level="ERROR")
    assert [len(batch) for batch in pipeline.batches] == [2, 2, 1]


def test_no_more_pixels_are_open_than_allowed(connection: Redis) -> None:
    queue = enqueue(connection, ["ok"] * 5)
    pipeline = ScriptedPipeline(max_open_pixels=250)
    batch_worker(queue, pipeline).work(burst=True, logging_level="ERROR")
    assert pipeline.batches == [["job-0", "job-1"], ["job-2", "job-3"], ["job-4"]]
    assert not connection.exists(queue.intermediate_queue_key)


class SlowPipeline(ScriptedPipeline):
    """Calls ``enqueue_more`` while the first item is open, and ends no item before the second."""

    def __init__(self, enqueue_more: Callable[[], object]) -> None:
        super().__init__()
        self._enqueue_more = enqueue_more

    def advance(self, timeout_s: float) -> list[Item]:
        if len(self._items) == 1 and not self.batches:
            self._enqueue_more()
            return []
        return super().advance(timeout_s)


def test_a_job_that_arrives_while_others_are_open_is_claimed(connection: Redis) -> None:
    queue = enqueue(connection, ["ok"])
    new_ids = iter(["late"])

    def enqueue_more() -> None:
        for job_id in new_ids:
            request = Request(Options(), "ok", 1, 100, time.time(), time.time() + 60)
            queue.enqueue(JOB_NAME, kwargs={"request": request.to_json()}, job_id=job_id)

    pipeline = SlowPipeline(enqueue_more)
    batch_worker(queue, pipeline).work(burst=True, logging_level="ERROR")
    assert pipeline.batches == [["job-0", "late"]]


def test_the_notes_of_rqs_maintenance_are_deleted_with_their_jobs(connection: Redis) -> None:
    queue = enqueue(connection, ["ok", "corrupt", "defect"])
    for job_id in queue.job_ids:
        assert queue.intermediate_queue.set_first_seen(job_id)
    batch_worker(queue, ScriptedPipeline(max_open_pixels=150)).work(
        burst=True, logging_level="CRITICAL"
    )
    assert not connection.keys("*first_seen*")


def test_jobs_that_were_withdrawn_in_the_queue_leave_no_entry(connection: Redis) -> None:
    queue = enqueue(connection, ["ok"] * 3)
    connection.delete(Job.key_for("job-1"))
    pipeline = ScriptedPipeline()
    batch_worker(queue, pipeline).work(burst=True, logging_level="ERROR")
    assert pipeline.batches == [["job-0", "job-2"]]
    assert not connection.exists(queue.intermediate_queue_key)


def test_a_job_that_can_not_be_read_ends_alone(
    connection: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    queue = enqueue(connection, ["ok"] * 4)
    for job_id in ("job-0", "job-2"):  # RQ's loop takes the first, the worker claims the other
        connection.hset(Job.key_for(job_id), "created_at", "nonsense")
    pipeline = ScriptedPipeline()
    batch_worker(queue, pipeline).work(burst=True, logging_level="ERROR")
    assert pipeline.batches == [["job-1", "job-3"]]
    assert not connection.exists(queue.intermediate_queue_key, Job.key_for("job-0"))
    assert caplog.text.count("can't be read") == 2


def test_jobs_that_do_not_fit_are_put_back_unless_another_process_has_done_so(
    connection: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = enqueue(connection, ["ok"] * 3)
    pipeline = ScriptedPipeline(max_open_pixels=150)
    fits, others = pipeline.fits, [["job-1", "job-2"]]

    def look_late(cost_px: int) -> bool:
        """Let a sweeper put the jobs back just before the worker does."""
        while others:
            put_back(others.pop(), connection)
        return fits(cost_px)

    monkeypatch.setattr(pipeline, "fits", look_late)
    batch_worker(queue, pipeline).work(burst=True, logging_level="ERROR")
    assert pipeline.batches == [["job-0"], ["job-1"], ["job-2"]]


@pytest.mark.parametrize(("max_open", "waits_longest"), [(1, True), (8, False)])
def test_a_worker_without_capacity_waits_longer_for_an_end(
    connection: Redis, monkeypatch: pytest.MonkeyPatch, max_open: int, *, waits_longest: bool
) -> None:
    pipeline = ScriptedPipeline(max_open=max_open)
    advance, waits_s = pipeline.advance, []

    def note_then_advance(timeout_s: float) -> list[Item]:
        waits_s.append(timeout_s)
        return advance(timeout_s)

    monkeypatch.setattr(pipeline, "advance", note_then_advance)
    batch_worker(enqueue(connection, ["ok"]), pipeline).work(burst=True, logging_level="ERROR")
    assert (waits_s[0] == MAX_PAUSE_S) == waits_longest


def test_what_does_not_fit_is_not_claimed_again_before_an_item_ends(
    connection: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = ScriptedPipeline(max_open_pixels=150)
    fits, advance, asked, rounds = pipeline.fits, pipeline.advance, [], iter(range(3))

    def note_then_say(cost_px: int) -> bool:
        asked.append(cost_px)
        return fits(cost_px)

    def end_late(timeout_s: float) -> list[Item]:
        time.sleep(MAX_PAUSE_S)
        return [] if next(rounds, None) is not None else advance(timeout_s)

    monkeypatch.setattr(pipeline, "fits", note_then_say)
    monkeypatch.setattr(pipeline, "advance", end_late)
    batch_worker(enqueue(connection, ["ok", "ok"]), pipeline).work(
        burst=True, logging_level="ERROR"
    )
    assert pipeline.batches == [["job-0"], ["job-1"]]
    assert len(asked) == 1
