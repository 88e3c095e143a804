"""Jobs over HTTP: started, watched, fetched, deleted, expired."""

import io
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from PIL import Image
from redis import Redis

from tests.integration.conftest import TTL_S
from tests.integration.running import Running, wait_for, wait_until_no_jobs
from tests.integration.test_errors import problem
from tests.photos import file_of, photo

ASYNC = {"Prefer": "respond-async"}
JSON = {"Accept": "application/json"}


def start(client: httpx.Client, seed: int, **options: Any) -> str:
    """Queue a photo and return its job's path."""
    response = client.post(
        "/compress", params=options, content=file_of(photo(seed=seed)), headers=ASYNC
    )
    assert response.status_code == 202
    assert response.headers["preference-applied"] == "respond-async"
    document = response.json()
    assert document["links"]["self"] == response.headers["location"]
    assert document["state"] in {"queued", "started", "finished"}
    return response.headers["location"]


def wait_until_ended(client: httpx.Client, path: str) -> dict[str, Any]:
    """Return the job's document once it has ended."""
    wait_for(lambda: client.get(path).json()["state"] in {"finished", "failed"})
    document: dict[str, Any] = client.get(path).json()
    return document


def test_a_job_is_started_watched_and_fetched(client: httpx.Client) -> None:
    path = start(client, 51, heatmap="map", quality=60)
    document = wait_until_ended(client, path)
    assert document["state"] == "finished"
    assert document["links"]["image"] == f"{path}/image"
    image = client.get(document["links"]["image"])
    assert image.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(image.content)).size == (160, 120)
    assert document["result"]["compressed_bytes"] == len(image.content)
    assert (document["result"]["width"], document["result"]["height"]) == (160, 120)
    assert set(document["result"]["stage_ms"]) == {"queue", "decode", "predict", "encode"}
    for name in ("x-original-bytes", "x-compressed-bytes", "x-reference-bytes", "server-timing"):
        assert image.headers[name]
    heatmap = client.get(document["links"]["heatmap"])
    assert Image.open(io.BytesIO(heatmap.content)).format == "PNG"
    for picture in (image, heatmap):
        again = client.get(picture.request.url, headers={"If-None-Match": picture.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


def test_the_result_is_that_of_a_client_that_waits(client: httpx.Client) -> None:
    path = start(client, 52)
    wait_until_ended(client, path)
    waited = client.post("/compress", content=file_of(photo(seed=52)))
    assert 'cache;desc="hit"' in waited.headers["server-timing"]
    assert client.get(f"{path}/image").content == waited.content
    # The reverse holds as well: a job whose result is cached is finished at once.
    other = start(client, 52)
    assert other != path
    assert client.get(other).json()["state"] == "finished"


def test_json_has_links_instead_of_pixels(client: httpx.Client) -> None:
    data = file_of(photo(seed=53))
    paths = []
    for _ in range(2):  # computed, then cached
        response = client.post(
            "/compress", params={"heatmap": "overlay"}, content=data, headers=JSON
        )
        assert response.status_code == 200
        assert response.headers["content-type"] == "application/json"
        document = response.json()
        assert response.headers["content-location"] == document["links"]["self"]
        image = client.get(document["links"]["image"])
        assert len(image.content) == document["result"]["compressed_bytes"]
        assert client.get(document["links"]["heatmap"]).headers["content-type"] == "image/jpeg"
        assert client.get(document["links"]["self"]).json() == document
        paths.append(document["links"]["self"])
    assert client.delete(paths[0]).status_code == 204
    assert problem(client.get(paths[0])) == (410, "job-gone")
    assert client.get(f"{paths[1]}/image").status_code == 200


def test_every_job_that_has_ended_says_when_it_was_submitted_and_started(
    client: httpx.Client,
) -> None:
    asked_at = datetime.now(UTC)
    data = file_of(photo(seed=69))
    computed = start(client, 69)
    before = client.get(computed).json()["submitted_at"]
    assert wait_until_ended(client, computed)["submitted_at"] == before
    cached = start(client, 69)
    failed = client.post("/compress", content=data[:3000], headers=ASYNC).headers["location"]
    wait_until_ended(client, failed)
    with ThreadPoolExecutor(4) as pool:  # one computes, the others join it
        other = file_of(photo(seed=70))
        found = [pool.submit(client.post, "/compress", content=other, headers=JSON) for _ in "1234"]
    uncached = client.post("/compress", content=data, headers={**JSON, "Cache-Control": "no-store"})
    responses = [uncached, client.post("/compress", content=data, headers=JSON)]
    documents = [one.json() for one in [*(response.result() for response in found), *responses]]
    for document in documents:
        assert client.get(document["links"]["self"]).json() == document
    documents += [client.get(path).json() for path in (computed, cached, failed)]
    for document in documents:
        submitted_at, started_at = (
            datetime.fromisoformat(document[name]) for name in ("submitted_at", "started_at")
        )
        assert asked_at <= submitted_at <= started_at <= datetime.now(UTC)


def test_without_the_cache_links_work_as_well(client: httpx.Client) -> None:
    headers = {**JSON, "Cache-Control": "no-store"}
    response = client.post("/compress", content=file_of(photo(seed=54)), headers=headers)
    path = response.json()["links"]["self"]
    assert client.get(f"{path}/image").status_code == 200
    assert client.delete(path).status_code == 204
    assert problem(client.get(f"{path}/image")) == (410, "job-gone")


def test_a_broken_photo_is_a_failed_job(client: httpx.Client) -> None:
    data = file_of(photo(seed=55))[:3000]
    path = client.post("/compress", content=data, headers=ASYNC).headers["location"]
    document = wait_until_ended(client, path)
    assert document["state"] == "failed"
    assert document["error"]["type"] == "urn:foveate:problem:corrupt-image"
    assert "image" not in document["links"]
    assert problem(client.get(f"{path}/image")) == (422, "corrupt-image")


def test_a_body_that_is_no_photo_gets_no_job(client: httpx.Client) -> None:
    assert problem(client.post("/compress", content=b"hello", headers=ASYNC)) == (
        415,
        "unsupported-image",
    )


def test_a_job_outlives_its_clients_connection(service: Running, client: httpx.Client) -> None:
    data = file_of(photo(seed=56))
    address = urlsplit(service.url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        head = f"POST /compress HTTP/1.1\r\nHost: x\r\nPrefer: respond-async\r\nContent-Length: {len(data)}\r\n\r\n"
        connection.sendall(head.encode() + data)
        response = connection.recv(4096).decode()
    path = response.partition("location: ")[2].partition("\r\n")[0]
    assert wait_until_ended(client, path)["state"] == "finished"


def read_events(client: httpx.Client, path: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the names and documents of a stream's events, once it has ended."""
    with client.stream("GET", f"{path}/events", timeout=40) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        blocks = response.read().decode().split("\n\n")
    events = []
    for block in filter(None, blocks):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line[0] != ":")
        if fields:
            events.append((fields["event"], json.loads(fields["data"])))
    return events


def test_events_report_each_state_and_end(client: httpx.Client) -> None:
    path = start(client, 57)
    events = read_events(client, path)
    names = [name for name, _ in events]
    assert names[-1] == "finished"
    assert set(names) <= {"queued", "started", "finished"}
    assert all(document["state"] == name for name, document in events)
    assert events[-1][1]["links"]["image"] == f"{path}/image"
    assert len({json.dumps(document) for _, document in events}) == len(events)
    # Of a job that has ended there is one event.
    assert [name for name, _ in read_events(client, path)] == ["finished"]
    assert problem(client.get(f"/jobs/{'x' * 24}/events")) == (404, "unknown-job")


def test_an_expired_job_is_gone_and_later_unknown(
    client: httpx.Client, redis_of_service: Redis
) -> None:
    path = start(client, 58)
    wait_until_ended(client, path)
    wait_for(lambda: client.get(path).status_code == 410, TTL_S + 5)
    assert problem(client.get(f"{path}/image")) == (410, "job-gone")
    wait_for(lambda: client.get(path).status_code == 404, TTL_S + 5)
    wait_until_no_jobs(redis_of_service, TTL_S + 30)


@pytest.mark.parametrize("job_id", ["x", "%2E%2E", "%00", "x" * 2000, "%0d%0aX-Evil:1", "🐘", "*"])
def test_an_invalid_id_is_unknown(client: httpx.Client, job_id: str) -> None:
    for method in ("GET", "DELETE"):
        response = client.request(method, f"/jobs/{job_id}")
        assert response.status_code in {404, 405}
        assert "x-evil" not in response.headers
    assert client.get(f"/jobs/{job_id}/image").status_code == 404


def test_head_is_get_without_its_body(client: httpx.Client) -> None:
    path = start(client, 59, heatmap="map")
    wait_until_ended(client, path)
    for suffix in ("", "/image", "/heatmap"):
        got, head = (client.request(method, path + suffix) for method in ("GET", "HEAD"))
        assert (head.status_code, head.content) == (200, b"")
        for name in ("content-type", "content-length", "etag"):
            assert head.headers.get(name) == got.headers.get(name)


def test_options_and_405_list_every_method(client: httpx.Client) -> None:
    expected = {
        "/compress": "OPTIONS, POST",
        f"/jobs/{'x' * 24}": "DELETE, GET, HEAD, OPTIONS",
        f"/jobs/{'x' * 24}/image": "GET, HEAD, OPTIONS",
        "/livez": "GET, OPTIONS",
    }
    for path, methods in expected.items():
        allowed = client.options(path)
        assert (allowed.status_code, allowed.headers["allow"]) == (204, methods)
        refused = client.put(path)
        assert problem(refused) == (405, "method-not-allowed")
        assert refused.headers["allow"] == methods


def test_a_job_that_is_deleted_early_affects_no_other(client: httpx.Client) -> None:
    paths = [start(client, seed) for seed in range(60, 68)]
    for path in paths[::2]:
        assert client.delete(path).status_code == 204
    for path in paths[1::2]:
        assert wait_until_ended(client, path)["state"] == "finished"
    for path in paths[::2]:
        assert problem(client.get(path)) == (410, "job-gone")
        assert problem(client.delete(path)) == (410, "job-gone")
    time.sleep(0.2)
    assert client.post("/compress", content=file_of(photo(seed=68))).status_code == 200
