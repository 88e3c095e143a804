"""Photos of another server, compressed and cacheable: what GET /fetch returns."""

import re
import socket
from email.utils import formatdate, parsedate_to_datetime
from urllib.parse import quote, urlsplit

import httpx
import pytest

from app.sources.signature import sign
from tests.hostile_upstream import MODIFIED, PHOTO, HostileUpstream
from tests.integration.fetch.conftest import KEY, OLD_KEY, fetch_settings, path_of
from tests.integration.front_end import FrontEnd, run_front_end
from tests.integration.http_requests import post
from tests.integration.running import Running, metric, wait_for


def test_a_photo_of_another_server_is_compressed(
    service: Running, cdn: httpx.Client, upstream: HostileUpstream
) -> None:
    for key in (KEY, OLD_KEY):
        response = cdn.get(path_of(upstream.url("/photo.jpg"), "quality=40,target=size", key))
        assert response.status_code == 200, response.text
        assert response.headers["content-type"] == "image/jpeg"
        assert response.headers["cache-control"] == "public, max-age=3600"
        assert response.headers["last-modified"] == MODIFIED
        assert response.headers["x-original-bytes"] == str(len(PHOTO))
        assert "accept" in response.headers["vary"].lower()
        assert re.fullmatch('"[^"]+"', response.headers["etag"])
        same = post(f"{service.url}/compress?quality=40&target=size", content=PHOTO)
        assert response.content == same.content


def test_an_unescaped_url_has_the_same_signature(
    cdn: httpx.Client, upstream: HostileUpstream
) -> None:
    url = upstream.url("/photo.jpg?a=%20")
    signature = sign(KEY.encode(), "-", url)
    for source in (quote(url), quote(url, safe=""), quote(url).replace("//", "/")):
        response = cdn.get(f"/fetch/{signature}/-/{source}")
        assert response.status_code == 200
        assert upstream.paths[-1] == "/photo.jpg?a=%20"


def test_the_upstream_gets_the_path_as_it_is_written(
    cdn: httpx.Client, upstream: HostileUpstream
) -> None:
    path = "/photo.jpg/../photo.jpg"
    assert cdn.get(path_of(upstream.url("/status/404?a=%2F%20&b=%C3%BC"))).status_code == 502
    assert upstream.paths[-1] == "/status/404?a=%2F%20&b=%C3%BC"
    assert cdn.get(path_of(upstream.url(path))).status_code in {200, 502}
    assert upstream.paths[-1] == path


def test_conditional_requests_get_304(cdn: httpx.Client, upstream: HostileUpstream) -> None:
    path = path_of(upstream.url("/photo.jpg"))
    first = cdn.get(path)
    tag = first.headers["etag"]
    for given in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        again = cdn.get(path, headers={"If-None-Match": given})
        assert (again.status_code, again.content) == (304, b"")
        for name in ("etag", "cache-control", "last-modified", "vary"):
            assert again.headers[name] == first.headers[name]
    later = formatdate(parsedate_to_datetime(MODIFIED).timestamp() + 60, usegmt=True)
    earlier = formatdate(parsedate_to_datetime(MODIFIED).timestamp() - 60, usegmt=True)
    for date, status in ((MODIFIED, 304), (later, 304), (earlier, 200), ("nonsense", 200)):
        assert cdn.get(path, headers={"If-Modified-Since": date}).status_code == status
    # If-None-Match takes precedence over If-Modified-Since (RFC 9110, 13.2.2).
    both = {"If-None-Match": '"other"', "If-Modified-Since": later}
    assert cdn.get(path, headers=both).status_code == 200
    other = cdn.get(path_of(upstream.url("/photo.jpg"), "quality=30")).headers["etag"]
    assert other != tag


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("no-store", "no-store"),
        ("private", "no-store"),
        ("short", "public, max-age=60"),
        ("shared", "public, max-age=30"),
        ("long", "public, max-age=3600"),
        ("no-cache", "no-cache"),
        ("no-date", "public, max-age=3600"),
        ("expired", "public, max-age=0"),
    ],
)
def test_cache_control_follows_the_upstream(
    cdn: httpx.Client, upstream: HostileUpstream, kind: str, expected: str
) -> None:
    response = cdn.get(path_of(upstream.url(f"/headers/{kind}")))
    assert response.status_code == 200
    assert response.headers["cache-control"] == expected
    assert "last-modified" not in response.headers


@pytest.mark.parametrize(
    ("kind", "is_cached"), [("no-store", False), ("private", False), ("short", True)]
)
def test_what_a_source_forbids_to_store_is_not_in_the_result_cache(
    service: Running, cdn: httpx.Client, upstream: HostileUpstream, kind: str, is_cached: bool
) -> None:
    quality = 31 + len(kind)  # options that no other test uses
    path = path_of(upstream.url(f"/headers/{kind}"), f"quality={quality}")
    assert cdn.get(path).status_code == 200
    again = post(f"{service.url}/compress?quality={quality}", content=PHOTO)
    assert ("cache;" in again.headers["server-timing"]) is is_cached


def test_a_client_that_leaves_ends_the_download(
    fetching: FrontEnd, upstream: HostileUpstream
) -> None:
    counted = 'foveate_fetches_total{status="499"}'
    url = urlsplit(fetching.url)
    path = upstream.url("/drip?left")
    with socket.create_connection((url.hostname, url.port)) as client:
        client.sendall(f"GET {path_of(path)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        wait_for(lambda: "/drip?left" in upstream.paths)
    # In less time than the download's limit of 2 s.
    wait_for(lambda: metric(fetching.url, "foveate_pending_uploads") == 0, 1)
    wait_for(lambda: "/drip?left" in upstream.abandoned, 1)
    assert metric(fetching.url, counted) >= 1


def test_head_is_get_without_a_body(cdn: httpx.Client, upstream: HostileUpstream) -> None:
    path = path_of(upstream.url("/photo.jpg"))
    head, get = cdn.head(path), cdn.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == get.headers["etag"]
    assert head.headers["content-length"] == get.headers["content-length"]


def test_fetches_are_counted(
    fetching: FrontEnd, cdn: httpx.Client, upstream: HostileUpstream
) -> None:
    before = metric(fetching.url, 'foveate_fetches_total{status="200"}')
    cdn.get(path_of(upstream.url("/photo.jpg")))
    assert metric(fetching.url, 'foveate_fetches_total{status="200"}') == before + 1
    assert metric(fetching.url, "foveate_pending_uploads") == 0


def test_a_changed_preset_serves_no_old_picture(
    service: Running, upstream: HostileUpstream
) -> None:
    path = path_of(upstream.url("/photo.jpg"), "preset=small")
    seen = []
    for presets in ("small:width=40", "small:width=50", "small:width=40"):
        settings = {**fetch_settings(upstream), "PRESETS": presets}
        with run_front_end(service.redis_url, **settings) as front_end:
            response = httpx.get(front_end.url + path, timeout=30)
            assert response.status_code == 200, response.text
            same = post(f"{service.url}/compress?{presets.partition(':')[2]}", content=PHOTO)
            assert response.content == same.content
            seen.append(response.headers["etag"])
    assert seen[0] == seen[2] != seen[1]
