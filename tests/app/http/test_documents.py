"""The JSON of a job has its state, and its result or error once it has ended."""

import json
from dataclasses import replace
from datetime import UTC, datetime

from app.http.documents import describe_job
from app.queue.job import Job
from contract.errors import CorruptImageError
from contract.messages import Failure
from tests.app.http.in_process import RESULT


def test_a_waiting_job_has_its_position_and_events() -> None:
    submitted_at = datetime(2026, 11, 30, tzinfo=UTC)
    document = describe_job(Job("id", "queued", position=3, submitted_at=submitted_at))
    assert document.model_dump(mode="json", exclude_none=True) == {
        "id": "id",
        "state": "queued",
        "position": 3,
        "submitted_at": "2026-11-30T00:00:00Z",
        "links": {"self": "/jobs/id", "events": "/jobs/id/events"},
    }


def test_a_finished_job_has_sizes_times_and_links() -> None:
    result = replace(RESULT, heatmap_type="image/png", stage_ms={"queue": 1.23456})
    document = describe_job(Job("id", "finished", reply=result))
    assert document.result is not None
    assert document.result.stage_ms == {"queue": 1.235}
    assert (document.result.width, document.result.height) == (32, 24)
    assert document.result.compressed_bytes == result.compressed_bytes
    assert document.links.image == "/jobs/id/image"
    assert document.links.heatmap == "/jobs/id/heatmap"
    assert document.links.events is None
    # The id under which the worker made the pictures may belong to another client.
    assert result.job_id not in document.model_dump_json()


def test_a_crop_and_the_focus_are_part_of_the_result() -> None:
    crop = {"x": 0.25, "y": 0.0, "width": 0.5, "height": 1.0}
    result = replace(RESULT, crop=crop, focus={"x": 0.4, "y": 0.6})
    found = describe_job(Job("id", "finished", reply=result)).model_dump(exclude_none=True)
    assert found["result"]["crop"] == crop
    assert found["result"]["focus"] == {"x": 0.4, "y": 0.6}
    without = describe_job(Job("id", "finished", reply=RESULT)).model_dump(exclude_none=True)
    assert not {"crop", "focus"} & without["result"].keys()


def test_regions_and_the_thumbhash_are_part_of_the_result() -> None:
    box = {"x": 0.25, "y": 0.0, "width": 0.5, "height": 1.0}
    regions = [{"class": "dog", "score": 0.9, "box": box}]
    thumbhash = "1QcSHQRnh493V4dIh4eXh1h4kJUI"
    result = replace(RESULT, regions=regions, thumbhash=thumbhash)
    document = describe_job(Job("id", "finished", reply=result))
    for found in (
        document.model_dump(mode="json", exclude_none=True),
        json.loads(document.model_dump_json(exclude_none=True)),
    ):
        assert found["result"]["regions"] == regions
        assert found["result"]["thumbhash"] == thumbhash
    empty = describe_job(Job("id", "finished", reply=replace(RESULT, regions=[])))
    assert empty.model_dump(exclude_none=True)["result"]["regions"] == []
    without = describe_job(Job("id", "finished", reply=RESULT)).model_dump(exclude_none=True)
    assert not {"regions", "thumbhash"} & without["result"].keys()


def test_links_are_under_the_prefix() -> None:
    result = replace(RESULT, heatmap_type="image/png")
    links = describe_job(Job("id", "finished", reply=result), "/img").links
    assert (links.self, links.image) == ("/img/jobs/id", "/img/jobs/id/image")
    assert links.heatmap == "/img/jobs/id/heatmap"
    assert describe_job(Job("id", "queued"), "/img").links.events == "/img/jobs/id/events"


def test_without_a_heatmap_there_is_no_link_to_one() -> None:
    assert describe_job(Job("id", "finished", reply=RESULT)).links.heatmap is None


def test_a_failed_job_has_the_problem_that_a_waiting_client_would_get() -> None:
    failure = Failure("x", CorruptImageError.code, "The data is truncated.")
    document = describe_job(Job("id", "failed", reply=failure))
    assert document.result is None
    assert document.links.image is None
    assert document.error is not None
    assert document.error.type == "urn:foveate:problem:corrupt-image"
    assert (document.error.status, document.error.detail) == (422, "The data is truncated.")
