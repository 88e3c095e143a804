"""A CDN gets photos from elsewhere through the service, signed, cacheable, and nothing else."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from PIL import Image

from app.sources.signature import sign, signed_path
from tests.conftest import needs
from tests.hostile_upstream import MODIFIED, PHOTO, HostileUpstream, hostile_upstream
from tests.integration.front_end import FrontEnd, run_front_end
from tests.integration.running import ROOT, Running, metric
from tests.integration.test_errors import problem

OLD_KEY, KEY = "an-older-key-of-a-cdn", "4f0d5c1e9a7b3f2d8c6e1a0b"


@pytest.fixture(scope="module")
def upstream() -> Iterator[HostileUpstream]:
    with hostile_upstream() as server:
        yield server


@pytest.fixture(scope="module")
def front_end(service: Running, upstream: HostileUpstream) -> Iterator[FrontEnd]:
    assert service.url
    with run_front_end(
        service.redis_url,
        FETCH_KEYS=f"{KEY},{OLD_KEY}",
        FETCH_HOSTS="127.0.0.1,localhost,0.0.0.0",
        FETCH_TIMEOUT_S="2",
        FETCH_READ_TIMEOUT_S="1",
        FETCH_MAX_AGE_S="3600",
        FETCH_LOOPBACK_PORT=str(upstream.port),
        MAX_UPLOAD_BYTES="1000000",
        MAX_PIXELS="1000000",
    ) as running:
        yield running


@pytest.fixture(scope="module")
def cdn(front_end: FrontEnd) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=front_end.url, timeout=30) as client:
        yield client


def path_of(url: str, options: str = "-", key: str = KEY) -> str:
    return signed_path(key.encode(), url, options)


def test_a_photo_from_elsewhere_is_compressed(
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
        same = httpx.post(f"{service.url}/compress?quality=40&target=size", content=PHOTO)
        assert response.content == same.content


def test_an_unescaped_url_has_the_same_signature(
    cdn: httpx.Client, upstream: HostileUpstream
) -> None:
    url = upstream.url("/photo.jpg")
    unescaped = f"/fetch/{sign(KEY.encode(), '-', url)}/-/{url}"
    assert cdn.get(unescaped).status_code == 200


def test_a_source_is_asked_for_as_it_is_written(
    cdn: httpx.Client, upstream: HostileUpstream
) -> None:
    path = "/photo.jpg/../photo.jpg"
    assert cdn.get(path_of(upstream.url("/status/404?a=%2F%20&b=%C3%BC"))).status_code == 502
    assert upstream.paths[-1] == "/status/404?a=%2F%20&b=%C3%BC"
    assert cdn.get(path_of(upstream.url(path))).status_code in {200, 502}
    assert upstream.paths[-1] == path


def test_what_a_cache_has_is_not_sent_again(cdn: httpx.Client, upstream: HostileUpstream) -> None:
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
    # A tag counts before a date.
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
    ],
)
def test_nothing_is_kept_longer_than_its_source_says(
    cdn: httpx.Client, upstream: HostileUpstream, kind: str, expected: str
) -> None:
    response = cdn.get(path_of(upstream.url(f"/headers/{kind}")))
    assert response.status_code == 200
    assert response.headers["cache-control"] == expected
    assert "last-modified" not in response.headers


def test_head_is_get_without_a_body(cdn: httpx.Client, upstream: HostileUpstream) -> None:
    path = path_of(upstream.url("/photo.jpg"))
    head, get = cdn.head(path), cdn.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == get.headers["etag"]
    assert head.headers["content-length"] == get.headers["content-length"]


def test_without_the_right_signature_nobody_is_asked(
    cdn: httpx.Client, upstream: HostileUpstream
) -> None:
    url = upstream.url("/photo.jpg")
    right = sign(KEY.encode(), "-", url)
    asked = len(upstream.requests)
    for signature, options, source in (
        ("x", "-", url),
        (right[:-1], "-", url),
        (right + "=", "-", url),
        (right.swapcase(), "-", url),
        (sign(b"another-key-of-somebody", "-", url), "-", url),
        (right, "quality=10", url),
        (right, "-", url + "?"),
        (right, "-", upstream.url("/status/500")),
        (sign(KEY.encode(), "-", "file:///etc/passwd"), "-", url),
        ("ü", "-", "%00"),
    ):
        path = f"/fetch/{quote(signature)}/{options}/{quote(source, safe='')}"
        response = cdn.get(path)
        assert problem(response) == (403, "bad-signature")
        assert response.headers["cache-control"] == "no-store"
    assert len(upstream.requests) == asked


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/status/404", (502, "upstream-failed")),
        ("/nonsense", (502, "upstream-failed")),
        ("/loop", (502, "upstream-failed")),
        ("/headers/gzip", (502, "upstream-failed")),
        (f"/announce/{len(PHOTO) + 1}", (502, "upstream-failed")),
        ("/stall", (504, "deadline-passed")),
        ("/drip", (504, "deadline-passed")),
        ("/endless", (413, "body-too-large")),
        ("/announce/1000001", (413, "body-too-large")),
        ("/body/large", (413, "too-many-pixels")),
        ("/body/html", (415, "unsupported-image")),
        ("/body/svg", (415, "unsupported-image")),
        ("/body/empty", (415, "unsupported-image")),
        ("/body/cut", (422, "corrupt-image")),
        ("/redirect/http://169.254.169.254/latest/", (403, "forbidden-source")),
        ("/redirect/http://localhost/", (403, "forbidden-source")),
        ("/redirect/http://0.0.0.0:PORT/photo.jpg", (403, "forbidden-source")),
        ("/redirect/http://2130706433:PORT/photo.jpg", (403, "forbidden-source")),
    ],
)
def test_a_source_that_is_no_photo(
    cdn: httpx.Client, upstream: HostileUpstream, path: str, expected: tuple[int, str]
) -> None:
    response = cdn.get(path_of(upstream.url(path)))
    assert problem(response) == expected
    assert response.headers["cache-control"] == "no-store"
    # What was found behind a URL is for nobody's eyes.
    assert "127.0.0.1" not in response.text
    assert "169.254" not in response.text


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://example.org/", (403, "forbidden-source")),
        ("http://127.0.0.1:6379/", (403, "forbidden-source")),
        ("http://127.0.0.1/", (403, "forbidden-source")),
        ("http://0.0.0.0/", (403, "forbidden-source")),
        ("http://0x7f.0.0.1/", (403, "forbidden-source")),
        ("http://user@127.0.0.1/", (403, "forbidden-source")),
        ("file:///etc/passwd", (403, "forbidden-source")),
        ("nonsense", (400, "malformed-request")),
        ("http://127.0.0.1/ HTTP/1.1", (400, "malformed-request")),
    ],
)
def test_a_source_that_is_not_allowed(
    cdn: httpx.Client, url: str, expected: tuple[int, str]
) -> None:
    assert problem(cdn.get(path_of(url))) == expected


@pytest.mark.parametrize(
    "options", ["quality=0", "quality=5,quality=6", "qualty=5", "quality", "heatmap=map", ",", " "]
)
def test_a_wrong_option_asks_nobody(
    cdn: httpx.Client, upstream: HostileUpstream, options: str
) -> None:
    asked = len(upstream.requests)
    url = upstream.url("/photo.jpg")
    path = f"/fetch/{sign(KEY.encode(), options, url)}/{quote(options)}/{quote(url, safe='')}"
    assert problem(cdn.get(path)) == (422, "invalid-option")
    assert len(upstream.requests) == asked


def test_a_query_is_refused(cdn: httpx.Client, upstream: HostileUpstream) -> None:
    path = path_of(upstream.url("/photo.jpg"))
    assert problem(cdn.get(f"{path}?quality=10")) == (400, "malformed-request")


def test_fetches_are_counted(
    front_end: FrontEnd, cdn: httpx.Client, upstream: HostileUpstream
) -> None:
    before = metric(front_end.url, 'foveate_fetches_total{status="200"}')
    cdn.get(path_of(upstream.url("/photo.jpg")))
    assert metric(front_end.url, 'foveate_fetches_total{status="200"}') == before + 1
    assert metric(front_end.url, "foveate_pending_uploads") == 0


def test_without_keys_or_hosts_there_is_no_such_path(client: httpx.Client) -> None:
    assert problem(client.get(path_of("http://example.org/"))) == (404, "not-found")
    assert "/fetch" not in client.get("/openapi.json").text


def test_the_command_signs(cdn: httpx.Client, upstream: HostileUpstream) -> None:
    command = [sys.executable, "-m", "app", "sign", upstream.url("/photo.jpg")]
    ended = subprocess.run(
        [*command, "--options", "quality=60"],
        cwd=ROOT,
        env={"FETCH_KEYS": f"{KEY},{OLD_KEY}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.strip() == path_of(upstream.url("/photo.jpg"), "quality=60")
    assert cdn.get(ended.stdout.strip()).status_code == 200


@needs(all(map(shutil.which, ("openssl", "curl", "jq"))), "needs openssl, curl and jq")
def test_the_recipe_for_other_languages_works(
    cdn: httpx.Client, upstream: HostileUpstream, tmp_path: Path
) -> None:
    text = (ROOT / "docs" / "fetch.md").read_text()
    found = re.search(r"```sh recipe\n(.*?)```", text, re.DOTALL)
    assert found
    script = found.group(1)
    for given, here in (
        ("https://photos.example.org/a%20b.jpg?width=900", upstream.url("/photo.jpg?a=%20b")),
        ("http://127.0.0.1:8000", str(cdn.base_url)),
    ):
        assert given in script
        script = script.replace(given, here.rstrip("/"))
    ended = subprocess.run(
        ["sh", "-euc", script],
        env={**os.environ, "FETCH_KEY": KEY},
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    with Image.open(tmp_path / "smaller.jpg") as shown:
        assert shown.size == (160, 120)
