"""API keys, CORS and security headers of a front end that has them configured."""

from collections.abc import Iterator

import httpx
import pytest

from tests.integration.front_end import FrontEnd, run_front_end
from tests.integration.http_requests import new_client
from tests.integration.running import Running
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


def test_without_settings_no_key_is_needed_and_no_origin_is_allowed(
    client: httpx.Client,
) -> None:
    response = client.post("/compress", content=PHOTO, headers={"Origin": "https://app.example"})
    assert response.status_code == 200
    assert not any(name.startswith("access-control") for name in response.headers)
