"""The routes of a job show its state, its changes and its pictures."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest

from app.http import jobs as routes
from app.http.jobs import watch
from app.queue.job import Job
from app.service import front_end
from app.service.front_end import Service
from contract.errors import CorruptImageError, GoneJobError, UnknownJobError
from contract.messages import Failure
from tests.app.http.in_process import RESULT, read_problem, use_service

JOB_ID = "x" * 24
PNG, JPEG = b"png", bytes(range(256)) * 1500
FINISHED = Job(JOB_ID, "finished", reply=replace(RESULT, heatmap_type="image/png"))


class StandInJobs:
    """Returns one state of a job after the other; the last one stays."""

    def __init__(self, *states: Job | Exception) -> None:
        self._states = list(states)

    async def read(self, job_id: str) -> Job:
        assert job_id == JOB_ID
        state = self._states.pop(0) if len(self._states) > 1 else self._states[0]
        if isinstance(state, Exception):
            raise state
        return state

    async def find_picture(self, _: Any, *, heatmap: bool) -> tuple[str, int]:
        return ("heatmap", len(PNG)) if heatmap else ("image", len(JPEG))

    async def keep_picture(self, key: str, keep_s: int) -> None:
        assert (key, keep_s) == ("image", 60)  # the other one has a single piece

    async def read_piece(self, key: str, start: int, length_bytes: int) -> bytes:
        return {"heatmap": PNG, "image": JPEG}[key][start : start + length_bytes]

    async def delete(self, job_id: str) -> None:
        await self.read(job_id)
        self._states = [GoneJobError("The job was deleted.")]


def request(job: Job | Exception, method: str, suffix: str = "", **options: Any) -> httpx.Response:
    responses: list[httpx.Response] = []

    async def work(client: httpx.AsyncClient, service: Service) -> None:
        service.jobs = StandInJobs(job)
        responses.append(await client.request(method, f"/jobs/{JOB_ID}{suffix}", **options))

    use_service(work)
    return responses[0]


def test_a_job_is_shown_and_never_cached() -> None:
    response = request(Job(JOB_ID, "queued", position=1), "GET")
    assert response.json() == {
        "id": JOB_ID,
        "state": "queued",
        "position": 1,
        "links": {"self": f"/jobs/{JOB_ID}", "events": f"/jobs/{JOB_ID}/events"},
    }
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("suffix", "media_type", "content"),
    [("/image", "image/jpeg", JPEG), ("/heatmap", "image/png", PNG)],
)
def test_a_picture_is_sent_once_and_revalidated(
    suffix: str, media_type: str, content: bytes
) -> None:
    first = request(FINISHED, "GET", suffix)
    assert (first.status_code, first.content) == (200, content)
    assert first.headers["content-type"] == media_type
    assert first.headers["cache-control"] == "private, no-cache"
    assert first.headers["x-original-bytes"] == str(RESULT.original_bytes)
    tag = {"If-None-Match": first.headers["etag"]}
    again = request(FINISHED, "GET", suffix, headers=tag)
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]


def test_head_is_get_without_a_body() -> None:
    for suffix in ("", "/image", "/heatmap"):
        got, head = (request(FINISHED, method, suffix) for method in ("GET", "HEAD"))
        assert head.status_code == 200
        assert head.headers["content-length"] == got.headers["content-length"]


@pytest.mark.parametrize("suffix", ["/image", "/heatmap"])
def test_above_the_limit_a_picture_is_refused(monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    monkeypatch.setattr(front_end, "MAX_DOWNLOADS", 0)
    response = request(FINISHED, "GET", suffix)
    assert read_problem(response) == (429, "queue-full")
    assert int(response.headers["retry-after"]) > 0


def test_an_unfinished_job_has_no_picture() -> None:
    response = request(Job(JOB_ID, "started"), "GET", "/image")
    assert read_problem(response) == (409, "job-unfinished")
    assert int(response.headers["retry-after"]) > 0


def test_the_picture_of_a_failed_job_is_its_error() -> None:
    failed = Job(JOB_ID, "failed", reply=Failure(JOB_ID, CorruptImageError.code, "Damaged."))
    assert read_problem(request(failed, "GET", "/image")) == (422, "corrupt-image")


def test_a_deleted_job_is_gone() -> None:
    async def work(client: httpx.AsyncClient, service: Service) -> None:
        service.jobs = StandInJobs(FINISHED)
        deleted = await client.delete(f"/jobs/{JOB_ID}")
        assert (deleted.status_code, deleted.content) == (204, b"")
        assert read_problem(await client.get(f"/jobs/{JOB_ID}")) == (410, "job-gone")
        assert read_problem(await client.delete(f"/jobs/{JOB_ID}")) == (410, "job-gone")

    use_service(work)


def test_an_error_comes_before_the_stream_starts() -> None:
    response = request(UnknownJobError("No such job."), "GET", "/events")
    assert read_problem(response) == (404, "unknown-job")


def test_the_stream_of_an_ended_job_is_one_event() -> None:
    response = request(FINISHED, "GET", "/events")
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.text.count("event: ") == 1
    assert "event: finished" in response.text


def test_above_the_limit_a_stream_ends_after_its_first_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(routes, "MAX_EVENT_STREAMS", 0)
    response = request(Job(JOB_ID, "queued", position=1), "GET", "/events")
    assert response.text.count("event: ") == 1
    assert f"retry: {routes.POLL_MS}" in response.text


def collect_events(*states: Job | Exception) -> list[tuple[str | None, str | None]]:
    """Return name and data of all events of a job that goes through ``states``."""

    async def run() -> list[tuple[str | None, str | None]]:
        jobs: Any = StandInJobs(*states)
        stream = watch(await jobs.read(JOB_ID), jobs, once=False)
        return [(event.event, event.raw_data) async for event in stream]

    return asyncio.run(run())


def test_each_change_is_one_event(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "EVENTS_INTERVAL_S", 0.0)
    waiting = [Job(JOB_ID, "queued", position=position) for position in (2, 2, 1)]
    events = collect_events(*waiting, Job(JOB_ID, "started"), FINISHED)
    assert [name for name, _ in events] == ["queued", "queued", "started", "finished"]
    assert '"position":2' in str(events[0][1])
    assert '"position":1' in str(events[1][1])


def test_a_job_deleted_meanwhile_ends_its_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "EVENTS_INTERVAL_S", 0.0)
    events = collect_events(Job(JOB_ID, "started"), GoneJobError("The job was deleted."))
    assert events[-1] == ("gone", "job-gone")


def test_a_stream_ends_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "EVENTS_INTERVAL_S", 0.01)
    monkeypatch.setattr(routes, "MAX_STREAM_S", 0.05)
    assert [name for name, _ in collect_events(Job(JOB_ID, "started"))] == ["started"]
