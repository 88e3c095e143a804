"""GET /fetch downloads signed sources only, and its responses can be cached."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from app.service.front_end import Service
from app.sources.client import Source
from app.sources.signature import signed_path
from app.sources.source_url import SourceUrl
from contract.messages import Options
from tests.app.http.in_process import (
    PHOTO,
    RESULT,
    ResponseWatch,
    StandInQueue,
    read_problem,
    use_service,
)

KEY = "0123456789abcdef"
URL = "https://photos.example/a.jpg"
MODIFIED = "Tue, 20 Oct 2026 10:00:00 GMT"


class StandInUpstream:
    """Returns one source for every URL, and records the URLs."""

    def __init__(self, source: Source) -> None:
        self.urls: list[str] = []
        self._source = source

    async def fetch(self, url: SourceUrl, hold: Callable[[int], None]) -> Source:
        hold(len(self._source.data))
        self.urls.append(f"{url.scheme}://{url.authority}{url.target}")
        return self._source


@dataclass
class Fetch:
    """A front end with /fetch turned on."""

    client: httpx.AsyncClient
    service: Service
    queue: StandInQueue
    upstream: StandInUpstream

    async def get(self, options: str = "-", **request: Any) -> httpx.Response:
        return await self.client.get(signed_path(KEY.encode(), URL, options), **request)


def use_fetch(
    work: Callable[[Fetch], Awaitable[None]],
    cache_control: str = "",
    data: bytes = PHOTO,
    **settings: int,
) -> None:
    headers = {"last-modified": MODIFIED, "cache-control": cache_control}
    upstream = StandInUpstream(Source(data, headers))

    async def run(client: httpx.AsyncClient, service: Service) -> None:
        queue = service.queue = StandInQueue(service)
        await work(Fetch(client, service, queue, upstream))

    use_service(
        run,
        upstream=upstream,
        fetch_keys=(SecretStr(KEY),),
        fetch_hosts=("photos.example",),
        fetch_max_age_s=100,
        **settings,
    )


def test_a_source_is_compressed_with_the_options_of_the_path() -> None:
    async def work(fetch: Fetch) -> None:
        response = await fetch.get("quality=40,target=size")
        assert (response.status_code, response.content) == (200, b"jpeg")
        assert fetch.upstream.urls == [URL]
        assert fetch.queue.uploads == [(PHOTO, Options(quality=40, target="size"))]
        assert response.headers["cache-control"] == "public, max-age=100"
        assert response.headers["last-modified"] == MODIFIED
        assert response.headers["vary"] == "Accept"
        assert fetch.service.admission.pending_bytes == 0
        counted = fetch.service.metrics.expose().decode()
        assert 'foveate_fetches_total{status="200"} 1.0' in counted

    use_fetch(work)


def test_the_response_is_kept_no_longer_than_the_source() -> None:
    async def work(fetch: Fetch) -> None:
        assert (await fetch.get()).headers["cache-control"] == "public, max-age=7"

    use_fetch(work, "max-age=7")


def test_without_a_valid_signature_nothing_is_downloaded() -> None:
    async def work(fetch: Fetch) -> None:
        right = signed_path(KEY.encode(), URL)
        for path in (
            right.replace("/-/", "/quality=1/"),
            right + "x",
            signed_path(b"another-key-0123", URL),
            "/fetch/x/-/nonsense",
        ):
            response = await fetch.client.get(path)
            assert read_problem(response) == (403, "bad-signature")
            assert response.headers["cache-control"] == "no-store"
        assert fetch.upstream.urls == []

    use_fetch(work)


def test_an_expired_signature_downloads_nothing() -> None:
    async def work(fetch: Fetch) -> None:
        now_s = int(time.time())
        response = await fetch.get(f"expires={now_s}")
        assert read_problem(response) == (403, "bad-signature")
        assert "expired" in response.json()["detail"]
        # The time is part of what is signed.
        path = signed_path(KEY.encode(), URL, f"expires={now_s}")
        later = await fetch.client.get(path.replace(str(now_s), str(now_s + 60)))
        assert read_problem(later) == (403, "bad-signature")
        assert fetch.upstream.urls == []

    use_fetch(work)


def test_a_copy_does_not_outlive_its_signature() -> None:
    async def work(fetch: Fetch) -> None:
        response = await fetch.get(f"quality=40,expires={int(time.time()) + 50}")
        assert response.status_code == 200
        assert fetch.queue.uploads[0][1] == Options(quality=40)
        directive, _, age_s = response.headers["cache-control"].rpartition("=")
        assert directive == "public, max-age"
        assert 40 < int(age_s) <= 50

    use_fetch(work)


@pytest.mark.parametrize(
    ("options", "request_options", "expected"),
    [
        ("quality=0", {}, (422, "invalid-option")),
        ("heatmap=map", {}, (422, "invalid-option")),
        ("-", {"params": {"quality": "5"}}, (400, "malformed-request")),
    ],
)
def test_wrong_options_are_refused_before_the_download(
    options: str, request_options: dict[str, Any], expected: tuple[int, str]
) -> None:
    async def work(fetch: Fetch) -> None:
        assert read_problem(await fetch.get(options, **request_options)) == expected
        assert fetch.upstream.urls == []

    use_fetch(work)


def test_a_valid_copy_is_not_sent_again() -> None:
    async def work(fetch: Fetch) -> None:
        fetch.service.versions = frozenset({RESULT.model_version})
        tag = (await fetch.get()).headers["etag"]
        for headers in ({"If-None-Match": tag}, {"If-Modified-Since": MODIFIED}):
            again = await fetch.get(headers=headers)
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["cache-control"] == "public, max-age=100"
        # A tag takes precedence over a date.
        both = {"If-None-Match": '"other"', "If-Modified-Since": MODIFIED}
        assert (await fetch.get(headers=both)).status_code == 200
        assert len(fetch.queue.uploads) == 2

    use_fetch(work)


def test_a_source_that_is_no_photo_is_refused() -> None:
    async def work(fetch: Fetch) -> None:
        assert read_problem(await fetch.get()) == (415, "unsupported-image")
        assert fetch.service.admission.pending_bytes == 0

    use_fetch(work, data=b"<html>")


def test_downloads_count_in_the_bytes_that_are_held() -> None:
    async def work(fetch: Fetch) -> None:
        with fetch.service.admission.admit():
            assert read_problem(await fetch.get()) == (429, "queue-full")

    use_fetch(work, max_pending_bytes=len(PHOTO) - 1)


def test_a_response_holds_its_place_and_its_own_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = ResponseWatch(monkeypatch)

    async def work(fetch: Fetch) -> None:
        assert (await fetch.get()).content == b"jpeg"
        assert watch.held == [(1, len(b"jpeg"))]

    use_fetch(work)


def test_without_keys_and_hosts_there_is_no_such_path() -> None:
    async def work(client: httpx.AsyncClient, _: Service) -> None:
        response = await client.get(signed_path(KEY.encode(), URL))
        assert read_problem(response) == (404, "not-found")

    use_service(work, fetch_keys=(SecretStr(KEY),))
