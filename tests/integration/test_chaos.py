"""Killed at random under load, the service answers everyone and leaves nothing behind."""

import io

import numpy as np
import pytest
from PIL import Image
from redis import Redis

from bench.load.closed_loop import Response
from bench.robustness.chaos import ACTS, find_leftovers, run_chaos
from bench.robustness.chaos_clients import PROBLEM, Upload, find_fault, make_uploads, read_luma
from bench.robustness.chaos_memory import MIB, find_growth, find_redis_growth, used_bytes


@pytest.mark.timeout(400)
def test_every_request_is_answered_whoever_is_killed() -> None:
    # Who is stopped is found after 15 s: left to `python -m bench chaos`.
    kills = tuple(act for act in ACTS if act[1].name == "SIGKILL")
    report = run_chaos(
        6.0, clients=6, workers=1, pause_s=1.3, seed=7, stretches=2, uploads_each=8, acts=kills
    )
    assert report["faults"] == {}, report
    assert len(report["acts"]) == len(kills), report
    assert report["ends"].get("200", 0) > 0, report
    # Of what each client sends in the calm the same photos are damaged every time, and all refused.
    calm = report["calm"]
    assert calm["ends"].keys() <= {"200", "415", "422"}, report
    assert calm["damaged"].get("422", 0) > 0, report
    assert sum(calm["damaged"].values()) == sum(calm["ends"].values()) - calm["ends"]["200"]


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        ("rq:job:some", "a key without TTL: rq:job"),
        ("rq:worker:dead:executions", "a key without TTL: rq:worker"),
        ("foveate:image:some", "a key without TTL: foveate:image"),
        ("foveate:writable", "a key without TTL: foveate:writable"),
        ("rq:clean_registries:foveate", "a key without TTL: rq:clean_registries"),
    ],
)
def test_what_stays_behind_is_found(connection: Redis, key: str, fault: str) -> None:
    assert find_leftovers(connection) == []
    connection.sadd(key, "member")
    assert find_leftovers(connection) == [fault]


def test_what_goes_by_itself_is_told_from_what_stays(connection: Redis) -> None:
    connection.set("in:some", b"", ex=60)
    assert find_leftovers(connection) == ["a key with TTL: in:some"]
    connection.delete("in:some")
    # The entry of a worker that has just died, until RQ's own time for it is over.
    connection.hset("rq:worker:dead", "state", "busy")
    connection.expire("rq:worker:dead", 60)
    connection.sadd("rq:workers", "rq:worker:dead")
    connection.set("foveate:writable", b"", ex=60)
    assert find_leftovers(connection) == []
    connection.delete("rq:worker:dead")
    assert find_leftovers(connection) == ["a worker that is gone is on RQ's list"]


def test_a_job_that_nobody_runs_is_found(connection: Redis) -> None:
    connection.zadd("rq:wip:foveate", {"some:execution": 4e9})
    assert "a job is in the started registry" in find_leftovers(connection)


def test_memory_that_grows_in_the_calm_is_found_for_what_each_role_may_take() -> None:
    first = {"worker": {1: 500 * MIB, 2: 500 * MIB}, "app": {3: 80 * MIB}, "redis": {4: 9 * MIB}}
    last = {"worker": {1: 640 * MIB, 2: 500 * MIB}, "app": {3: 130 * MIB}, "redis": {4: 90 * MIB}}
    assert find_growth(first, last) == []
    # The one that grew, however little another of its role holds.
    assert find_growth(first, {**last, "worker": {1: 500 * MIB, 2: 660 * MIB}}) == [
        "the worker's memory grew"
    ]
    assert find_growth(first, {**last, "app": {3: 141 * MIB}}) == ["the app's memory grew"]


def test_who_did_not_live_through_the_calm_is_told_from_who_did_not_grow() -> None:
    first = {"worker": {1: 500 * MIB}, "app": {3: 80 * MIB}}
    assert find_growth(first, {**first, "worker": {2: 500 * MIB}}) == [
        "the worker died without a kill"
    ]


def test_what_an_emptied_redis_holds_is_measured_by_its_own_word(connection: Redis) -> None:
    before = used_bytes(connection)
    # Made in Redis itself: what comes through a connection leaves a large buffer for a while.
    connection.setrange("rq:group:kept", 3 * MIB, b"end")
    assert find_redis_growth(before, used_bytes(connection)) == ["Redis' used memory grew"]
    connection.flushall()
    assert find_redis_growth(before, used_bytes(connection)) == []


def as_answer(image: Image.Image) -> Response:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=50)
    return Response(200, {}, buffer.getvalue())


def test_the_judge_tells_a_photo_from_every_other_one() -> None:
    uploads = make_uploads(seed=3)[:6]
    photos = [Image.open(io.BytesIO(upload.data)) for upload in uploads]
    assert all(find_fault(u, as_answer(p)) is None for u, p in zip(uploads, photos, strict=True))
    for upload in uploads[1:]:
        assert find_fault(upload, as_answer(photos[0]))
        # The size alone would do above; content must tell as well.
        assert upload.luma is not None
        height, width = upload.luma.shape
        assert "content" in str(find_fault(upload, as_answer(photos[0].resize((width, height)))))


def test_the_judge_wants_clear_errors() -> None:
    upload = Upload(b"", read_luma(Image.new("L", (8, 8))))
    damaged = Upload(b"", None)

    def problem(status: int, code: str) -> Response:
        body = f'{{"type": "urn:foveate:problem:{code}"}}'.encode()
        return Response(status, {"content-type": PROBLEM}, body)

    assert find_fault(upload, problem(503, "no-worker")) is None
    assert find_fault(damaged, problem(422, "corrupt-image")) is None
    assert find_fault(upload, problem(422, "corrupt-image"))
    assert find_fault(upload, problem(200, "no-worker"))
    assert find_fault(upload, problem(500, "no-worker"))
    assert find_fault(upload, Response(502, {"content-type": "text/html"}, b"<html>"))
    assert find_fault(damaged, Response(200, {}, np.zeros(8).tobytes()))
