"""API keys, CORS and security headers of a front end that has them configured."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from tests.integration.front_end import FrontEnd, run_front_end
from tests.integration.http_requests import new_client
from tests.integration.running import Running, wait_for
from tests.integration.test_errors import problem
from tests.photos import file_of, photo

KEYS = ("first-key-0123456789", "second-key-9876543210")
PHOTO = file_of(photo())


@pytest.fixture(scope="module")
def front_end(service: Running) -> Iterator[FrontEnd]:
    assert service.url
    with run_front_end(
        service.redis_url, API_KEYS=", ".join(KEYS), CORS_ORIGINS="https://app.example"
    ) as running:
        yield running


@pytest.fixture(scope="module")
def guarded(front_end: FrontEnd) -> Iterator[httpx.Client]:
    with new_client(base_url=front_end.url, timeout=30) as client:
        yield client


def bearer(key: str, scheme: str = "Bearer") -> dict[str, str]:
    return {"Authorization": f"{scheme} {key}"}


def test_each_key_is_accepted(guarded: httpx.Client) -> None:
    for headers in (bearer(KEYS[0]), bearer(KEYS[1]), bearer(KEYS[1], "bearer")):
        response = guarded.post("/compress", content=PHOTO, headers=headers)
        assert response.status_code == 200
        assert response.headers["content-type"] == "image/jpeg"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        bearer("x"),
        bearer("wrong"),
        bearer(KEYS[0][:-1]),
        bearer(KEYS[0] + "x"),
        bearer(", ".join(KEYS)),
        bearer(KEYS[0], "Basic"),
        {"Authorization": KEYS[0]},
        {"X-API-Key": KEYS[0]},
        {"Authorization": "Bearer \xff\xfe"},
    ],
)
def test_anything_else_is_refused(guarded: httpx.Client, headers: dict[str, str]) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    response = guarded.post("/compress", content=PHOTO, headers=raw)
    assert problem(response) == (401, "missing-key")
    assert response.headers["www-authenticate"].startswith("Bearer ")
    assert KEYS[0] not in response.text


def test_two_keys_at_once_are_refused(guarded: httpx.Client) -> None:
    twice = [("Authorization", f"Bearer {KEYS[0]}"), ("Authorization", f"Bearer {KEYS[0]}")]
    assert guarded.post("/compress", content=PHOTO, headers=twice).status_code == 401


def test_health_and_description_need_no_key(guarded: httpx.Client) -> None:
    for path in ("/livez", "/readyz", "/docs", "/openapi.json"):
        assert guarded.get(path).status_code == 200, path
    for path in ("/metrics", "/jobs/x/heatmap", "/nothing", "/compress", "/livez/"):
        assert guarded.get(path).status_code == 401, path
    assert guarded.get("/metrics", headers=bearer(KEYS[0])).status_code == 200
    assert guarded.get("/nothing", headers=bearer(KEYS[0])).status_code == 404


def test_a_page_of_an_allowed_origin_may_send_and_read(guarded: httpx.Client) -> None:
    preflight_headers = {
        "Origin": "https://app.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    preflight = guarded.options("/compress", headers=preflight_headers)
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "https://app.example"
    assert "authorization" in preflight.headers["access-control-allow-headers"].lower()
    refused = guarded.options(
        "/compress", headers={**preflight_headers, "Origin": "https://evil.example"}
    )
    assert refused.status_code == 400
    assert "access-control-allow-origin" not in refused.headers
    for headers, status in ((bearer(KEYS[0]), 200), ({}, 401)):
        response = guarded.post(
            "/compress", content=PHOTO, headers={"Origin": "https://app.example", **headers}
        )
        assert response.status_code == status
        assert response.headers["access-control-allow-origin"] == "https://app.example"
        exposed = response.headers["access-control-expose-headers"].lower()
        for name in ("etag", "server-timing", "x-compressed-bytes", "x-request-id", "link"):
            assert name in exposed
        assert response.headers["timing-allow-origin"] == "https://app.example"
        assert "origin" in response.headers["vary"].lower()


def test_every_response_has_security_headers(guarded: httpx.Client) -> None:
    for path in ("/livez", "/docs", "/openapi.json", "/nothing", "/compress"):
        headers = guarded.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        unsafe = "unsafe-inline" in headers["content-security-policy"]
        assert unsafe == (path == "/docs")


def test_the_limits_of_a_key_hold_over_front_ends(service: Running) -> None:
    settings = {"API_KEYS": ", ".join(KEYS), "KEY_UPLOADS_PER_MINUTE": "4", "KEY_MAX_PENDING": "2"}
    with (
        run_front_end(service.redis_url, **settings) as one,
        run_front_end(service.redis_url, **settings) as two,
    ):
        sent = [
            httpx.post(f"{url}/compress", content=PHOTO, headers=bearer(KEYS[0]), timeout=30)
            for url in (one.url, two.url) * 3
        ]
        assert [response.status_code for response in sent] == [200] * 4 + [429] * 2
        assert problem(sent[4]) == (429, "key-limit")
        assert "4 uploads per minute" in sent[4].json()["detail"]
        assert 1 <= int(sent[4].headers["retry-after"]) <= 15
        other = httpx.post(
            f"{one.url}/compress", content=PHOTO, headers=bearer(KEYS[1]), timeout=30
        )
        assert other.status_code == 200
        # Two uploads that don't arrive take the places of one key.
        with ExitStack() as stack:
            for front_end in (one, two):
                stack.enter_context(begin_upload(front_end.url, KEYS[1]))
            refused = httpx.post(f"{two.url}/compress", content=PHOTO, headers=bearer(KEYS[1]))
            assert problem(refused) == (429, "key-limit")
            assert "2 uploads in progress" in refused.json()["detail"]

        def is_free() -> bool:
            return httpx.post(
                f"{two.url}/compress", content=PHOTO, headers=bearer(KEYS[1]), timeout=30
            ).is_success

        wait_for(is_free, 10, "for the places of clients that left")


def begin_upload(url: str, key: str) -> socket.socket:
    """Return a connection with an upload that has begun."""
    host, _, port = url.removeprefix("http://").partition(":")
    connection = socket.create_connection((host, int(port)))
    head = (
        f"POST /compress HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Length: 999"
    )
    connection.sendall(head.encode() + b"\r\n\r\nabc")
    time.sleep(0.3)
    return connection


def test_without_settings_no_key_is_needed_and_no_origin_is_allowed(
    client: httpx.Client,
) -> None:
    response = client.post("/compress", content=PHOTO, headers={"Origin": "https://app.example"})
    assert response.status_code == 200
    assert not any(name.startswith("access-control") for name in response.headers)
