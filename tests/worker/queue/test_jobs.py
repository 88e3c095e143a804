"""Jobs become items and costs; jobs without a valid request have an error and no cost."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from redis import Redis
from rq.job import Job
from rq.serializers import JSONSerializer

from contract.errors import CorruptImageError, InternalError
from contract.keys import INTERMEDIATE_KEY, MAX_RETRIES, job_key
from contract.messages import Failure, Options, Request
from tests.worker.queue.scripted_pipeline import JOB_NAME
from worker.item import Item
from worker.queue.jobs import (
    cost_px,
    delete_unreadable,
    describe_defect,
    describe_failure,
    is_retried,
    to_item,
)

REQUEST = Request(Options(quality=50), "front-end", 60, 100, time.time(), time.time() + 60)


def make_job(function: str = JOB_NAME, **kwargs: Any) -> Job:
    # No command is sent, so no Redis is needed.
    return Job.create(
        function, kwargs=kwargs, id="job", connection=Redis(), serializer=JSONSerializer
    )


def test_a_job_becomes_an_item() -> None:
    item = to_item(make_job(request=REQUEST.to_json()))
    assert (item.job_id, item.request) == ("job", REQUEST)


TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize(
    ("meta", "origin"),
    [
        ({}, ("", "")),
        (
            {"request_id": "abcdefgh", "traceparent": TRACEPARENT, "later": [1]},
            ("abcdefgh", TRACEPARENT),
        ),
        ({"request_id": "a\nERROR forged", "traceparent": TRACEPARENT + "\n"}, ("", "")),
        ({"request_id": 7, "traceparent": {"a": 1}}, ("", "")),
        (["request_id"], ("", "")),
        (None, ("", "")),
    ],
)
def test_an_item_has_the_origin_of_its_job_if_that_is_well_formed(
    meta: Any, origin: tuple[str, str]
) -> None:
    job = make_job(request=REQUEST.to_json())
    job.meta = meta
    item = to_item(job)
    assert (item.request_id, item.traceparent) == origin


@pytest.mark.parametrize(
    ("job", "message"),
    [
        (make_job("os.getcwd", request=REQUEST.to_json()), "allow-list"),
        (make_job(), "no request"),
        (make_job(request={"options": {}}), "not a request"),
    ],
)
def test_a_job_that_cannot_be_run_has_an_error_and_no_cost(job: Job, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        to_item(job)
    assert cost_px(job) == 0


def test_the_cost_of_a_job_is_that_of_its_item() -> None:
    assert cost_px(make_job(request=REQUEST.to_json())) == Item("job", REQUEST).cost_px == 102


@pytest.mark.parametrize(
    ("retries_left", "expected"), [(None, False), (MAX_RETRIES, False), (MAX_RETRIES - 1, True)]
)
def test_a_job_is_retried_when_it_has_fewer_retries_left(
    retries_left: int | None, *, expected: bool
) -> None:
    job = make_job(request=REQUEST.to_json())
    job.retries_left = retries_left
    assert is_retried(job) == expected


def test_a_failure_names_its_front_end_job_and_error() -> None:
    item = Item("job", REQUEST, 5.0, batch_size=3)
    times = {"submitted_unix_s": REQUEST.submitted_unix_s, "started_unix_s": 5.0}
    assert describe_failure(item, CorruptImageError("Broken.")) == (
        "front-end",
        Failure("job", "corrupt-image", "Broken.", 3, **times),
    )


def test_an_item_has_the_time_at_which_the_worker_took_its_job() -> None:
    job = make_job(request=REQUEST.to_json())
    assert to_item(job).started_unix_s is None
    job.started_at = datetime(2026, 11, 30, tzinfo=UTC)
    assert to_item(job).started_unix_s == job.started_at.timestamp()


def test_the_failure_of_a_defect_has_the_times_of_its_job() -> None:
    job = make_job(request={"reply_to": "front-end"})
    job.created_at = datetime(2026, 11, 30, 1, tzinfo=UTC)
    job.started_at = datetime(2026, 11, 30, 2, tzinfo=UTC)
    described = describe_defect(job)
    assert described is not None
    reply_to, failure = described
    assert (reply_to, failure.job_id, failure.code) == ("front-end", "job", InternalError.code)
    assert failure.submitted_unix_s == job.created_at.timestamp()
    assert failure.started_unix_s == job.started_at.timestamp()


@pytest.mark.parametrize("kwargs", [{}, {"request": {}}, {"request": {"reply_to": 5}}])
def test_a_defect_of_a_job_without_a_front_end_has_no_reply(kwargs: dict[str, Any]) -> None:
    assert describe_defect(make_job(**kwargs)) is None


def test_an_unreadable_job_leaves_no_trace(connection: Redis) -> None:
    connection.hset(job_key("job"), "data", b"odd")
    connection.rpush(INTERMEDIATE_KEY, "job", "other")
    delete_unreadable("job", ValueError("odd"), connection)
    assert not connection.exists(job_key("job"))
    assert connection.lrange(INTERMEDIATE_KEY, 0, -1) == [b"other"]
