"""POST /compress checks a request in the cheapest order and responds in the form that was chosen."""

from dataclasses import replace
from typing import Any

import httpx
import pytest
from redis import Redis

from app.main import create_app
from app.options import CompressOptions
from app.service.front_end import Service
from app.settings import AppSettings
from contract.messages import Options
from tests.app.http.in_process import (
    PHOTO,
    RESULT,
    ResponseWatch,
    StandInQueue,
    read_problem,
    use_service,
)
from tests.photos import file_of, photo

WITH_HEATMAP = replace(RESULT, heatmap_type="image/png")


def test_a_raw_photo_becomes_a_jpeg() -> None:
    async def work(client: httpx.AsyncClient, service: Service) -> None:
        queue = service.queue = StandInQueue(service)
        response = await client.post("/compress?quality=60", content=PHOTO)
        assert (response.status_code, response.content) == (200, b"jpeg")
        assert response.headers["content-type"] == "image/jpeg"
        assert response.headers["server-timing"] == "queue;dur=1.0, encode;dur=2.0"
        assert queue.uploads == [(PHOTO, Options(quality=60))]
        assert service.admission.pending == service.admission.pending_bytes == 0
        counted = service.metrics.expose().decode()
        assert 'foveate_requests_total{status="200"} 1.0' in counted
        assert f"foveate_bytes_in_total {float(len(PHOTO))}" in counted

    use_service(work)


def test_fields_of_a_form_are_options_beside_the_query() -> None:
    async def work(client: httpx.AsyncClient, service: Service) -> None:
        queue = service.queue = StandInQueue(service)
        form: Any = {"files": {"file": PHOTO}, "data": {"quality": "60"}}
        response = await client.post("/compress?floor=20", **form)
        assert response.status_code == 200
        assert queue.uploads == [(PHOTO, Options(quality=60, floor=20))]
        twice = await client.post("/compress?quality=50", **form)
        assert read_problem(twice) == (422, "invalid-option")

    use_service(work)


def test_a_wrong_option_is_refused_before_the_body_is_read() -> None:
    async def work(client: httpx.AsyncClient, _: Service) -> None:
        response = await client.post("/compress?quality=0", content=bytes(2000))
        assert read_problem(response) == (422, "invalid-option")

    use_service(work, max_upload_bytes=1000)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", (400, "malformed-request")),
        (b"hello", (415, "unsupported-image")),
        (file_of(photo())[:20], (422, "corrupt-image")),
        (PHOTO + bytes(5000), (413, "body-too-large")),
    ],
)
def test_what_is_no_photo_is_refused(content: bytes, expected: tuple[int, str]) -> None:
    async def work(client: httpx.AsyncClient, service: Service) -> None:
        response = await client.post("/compress", content=content)
        assert read_problem(response) == expected
        assert service.admission.pending == 0
        assert f'foveate_requests_total{{status="{expected[0]}"}} 1.0' in (
            service.metrics.expose().decode()
        )

    use_service(work, max_upload_bytes=5000)


def test_too_many_pixels_are_refused() -> None:
    async def work(client: httpx.AsyncClient, _: Service) -> None:
        response = await client.post("/compress", content=PHOTO)
        assert read_problem(response) == (413, "too-many-pixels")

    use_service(work, max_pixels=32 * 24 - 1)


def test_without_a_free_place_a_photo_is_refused() -> None:
    async def work(client: httpx.AsyncClient, service: Service) -> None:
        with service.admission.admit():
            response = await client.post("/compress", content=PHOTO)
        assert read_problem(response) == (429, "queue-full")
        assert int(response.headers["retry-after"]) > 0

    use_service(work, max_pending=1)


def test_a_response_holds_its_place_and_its_own_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = ResponseWatch(monkeypatch)

    async def work(client: httpx.AsyncClient, service: Service) -> None:
        service.queue = StandInQueue(service)
        assert (await client.post("/compress", content=PHOTO)).content == b"jpeg"
        assert (await client.post("/compress?quality=0", content=PHOTO)).status_code == 422
        assert (await client.post("/compress", content=b"hello")).status_code == 415
        assert watch.held == [(1, len(b"jpeg")), (0, 0), (1, len(b"hello"))]
        assert service.admission.pending == service.admission.pending_bytes == 0

    use_service(work)


@pytest.mark.usefixtures("connection")
def test_links_lead_to_a_job_with_the_pictures(redis_url: str) -> None:
    async def work(client: httpx.AsyncClient, service: Service) -> None:
        service.queue = StandInQueue(service, WITH_HEATMAP)
        response = await client.post("/compress?heatmap=map", content=PHOTO)
        assert response.content == b"jpeg"
        path = response.headers["link"].partition(">")[0].removeprefix("<")
        assert (await client.get(path)).content == b"png"

        as_json = {"Accept": "application/json"}
        document = (await client.post("/compress", content=PHOTO, headers=as_json)).json()
        assert (await client.get(document["links"]["image"])).content == b"jpeg"
        assert document["result"]["compressed_bytes"] == RESULT.compressed_bytes
        assert document["links"]["self"] not in path

    use_service(work, redis_url)


def test_two_parts_need_no_link() -> None:
    async def work(client: httpx.AsyncClient, service: Service) -> None:
        service.queue = StandInQueue(service, WITH_HEATMAP)
        headers = {"Accept": "multipart/mixed"}
        response = await client.post("/compress?heatmap=map", content=PHOTO, headers=headers)
        assert response.headers["content-type"].startswith("multipart/mixed")
        assert "link" not in response.headers

    use_service(work)


def test_a_client_that_has_the_response_gets_304_without_work() -> None:
    async def work(client: httpx.AsyncClient, service: Service) -> None:
        queue = service.queue = StandInQueue(service)
        service.versions = frozenset({"v0", RESULT.model_version})
        tag = (await client.post("/compress", content=PHOTO)).headers["etag"]
        headers = {"If-None-Match": f'"other", {tag}'}
        again = await client.post("/compress", content=PHOTO, headers=headers)
        assert (again.status_code, again.content) == (304, b"")
        assert (again.headers["etag"], again.headers["vary"]) == (tag, "Accept, Prefer")
        assert len(queue.uploads) == 1
        changed = await client.post("/compress?quality=50", content=PHOTO, headers=headers)
        assert changed.status_code == 200

    use_service(work)


def test_a_detached_job_responds_at_once_and_keeps_its_place(
    redis_url: str, connection: Redis
) -> None:
    async def work(client: httpx.AsyncClient, service: Service) -> None:
        headers = {"Prefer": "respond-async"}
        response = await client.post("/compress", content=PHOTO, headers=headers)
        assert response.status_code == 202
        assert response.headers["preference-applied"] == "respond-async"
        assert response.headers["cache-control"] == "no-store"
        document = response.json()
        assert (document["state"], document["position"]) == ("queued", 1)
        assert document["links"]["self"] == response.headers["location"]
        assert service.admission.pending == 1
        assert connection.llen("rq:queue:foveate") == 1

    use_service(work, redis_url)


def test_what_is_no_photo_gets_no_detached_job() -> None:
    async def work(client: httpx.AsyncClient, service: Service) -> None:
        headers = {"Prefer": "respond-async"}
        response = await client.post("/compress", content=b"hello", headers=headers)
        assert read_problem(response) == (415, "unsupported-image")
        assert service.admission.pending == 0

    use_service(work)


def test_openapi_describes_every_option_form_and_header() -> None:
    operation = create_app(AppSettings()).openapi()["paths"]["/compress"]["post"]
    by_place: dict[str, set[str]] = {}
    for parameter in operation["parameters"]:
        by_place.setdefault(parameter["in"], set()).add(parameter["name"])
        assert parameter["description"]
    assert by_place["query"] == set(CompressOptions.model_fields)
    assert by_place["header"] >= {"Prefer", "If-None-Match", "Cache-Control"}
    found = operation["responses"]["200"]
    assert set(found["content"]) == {
        "image/jpeg",
        "image/avif",
        "multipart/mixed",
        "application/json",
    }
    assert {"ETag", "Link", "X-Passthrough"} <= set(found["headers"])
    assert {"202", "304", "413", "415", "422", "429", "503", "504"} <= set(operation["responses"])
