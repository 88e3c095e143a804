"""What GET /fetch refuses: wrong signatures, sources that are not allowed, upstreams that misbehave."""

from urllib.parse import quote

import httpx
import pytest

from app.sources.signature import sign
from tests.hostile_upstream import PHOTO, HostileUpstream
from tests.integration.fetch.conftest import KEY, path_of
from tests.integration.test_errors import problem


def test_with_a_wrong_signature_nothing_is_fetched(
    cdn: httpx.Client, upstream: HostileUpstream
) -> None:
    url = upstream.url("/photo.jpg")
    right = sign(KEY.encode(), "-", url)
    before = len(upstream.requests)
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
    assert len(upstream.requests) == before


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
def test_an_upstream_without_a_photo_is_a_problem(
    cdn: httpx.Client, upstream: HostileUpstream, path: str, expected: tuple[int, str]
) -> None:
    response = cdn.get(path_of(upstream.url(path)))
    assert problem(response) == expected
    assert response.headers["cache-control"] == "no-store"
    # The response reveals no address.
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
        ("http://127.0.0.1/ HTTP/1.1", (403, "forbidden-source")),
        ("http://127.0.0.1/\tHTTP/1.1", (400, "malformed-request")),
    ],
)
def test_a_source_that_is_not_allowed_is_refused(
    cdn: httpx.Client, url: str, expected: tuple[int, str]
) -> None:
    assert problem(cdn.get(path_of(url))) == expected


@pytest.mark.parametrize(
    "options", ["quality=0", "quality=5,quality=6", "qualty=5", "quality", "heatmap=map", ",", " "]
)
def test_with_a_wrong_option_nothing_is_fetched(
    cdn: httpx.Client, upstream: HostileUpstream, options: str
) -> None:
    before = len(upstream.requests)
    url = upstream.url("/photo.jpg")
    path = f"/fetch/{sign(KEY.encode(), options, url)}/{quote(options)}/{quote(url, safe='')}"
    assert problem(cdn.get(path)) == (422, "invalid-option")
    assert len(upstream.requests) == before


def test_a_query_is_refused(cdn: httpx.Client, upstream: HostileUpstream) -> None:
    path = path_of(upstream.url("/photo.jpg"))
    assert problem(cdn.get(f"{path}?quality=10")) == (400, "malformed-request")


def test_without_keys_or_hosts_there_is_no_such_path(client: httpx.Client) -> None:
    assert problem(client.get(path_of("http://example.org/"))) == (404, "not-found")
    assert "/fetch" not in client.get("/openapi.json").text
