"""Every response restricts what browsers and caches may do with it."""

import httpx
import pytest
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.http.middlewares.security_headers import DOCS, NOTHING, PAGE, SecurityHeadersMiddleware
from tests.app.http.in_process import send


def get(path: str, response: Response, **options: tuple[str, ...]) -> httpx.Response:
    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        await response(scope, receive, send)

    app: ASGIApp = SecurityHeadersMiddleware(respond, **options)
    return send(app, "GET", path)


@pytest.mark.parametrize(
    ("path", "media_type", "policy"),
    [
        ("/compress", "image/jpeg", NOTHING),
        ("/jobs/x", "application/json", NOTHING),
        ("/", "text/html", PAGE),
        ("/docs", "text/html", DOCS),
        ("/docs/assets/x.js", "text/javascript", NOTHING),
    ],
)
def test_the_policy_follows_path_and_media_type(path: str, media_type: str, policy: str) -> None:
    headers = get(path, Response(b"x", media_type=media_type)).headers
    assert headers["content-security-policy"] == policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "cache-control" not in headers


def test_inline_scripts_are_allowed_on_the_docs_page_only() -> None:
    assert "unsafe-inline" in DOCS
    assert "unsafe-inline" not in PAGE + NOTHING
    for policy in (DOCS, PAGE, NOTHING):
        assert "frame-ancestors 'none'" in policy


def test_a_304_gets_no_policy() -> None:
    assert "content-security-policy" not in get("/", Response(status_code=304)).headers


def test_errors_are_never_cached() -> None:
    assert get("/x", Response(status_code=404)).headers["cache-control"] == "no-store"


def test_headers_of_the_route_stay() -> None:
    given = {"Cache-Control": "private", "Referrer-Policy": "origin"}
    headers = get("/x", Response(status_code=404, headers=given)).headers
    assert headers.get_list("cache-control") == ["private"]
    assert headers.get_list("referrer-policy") == ["origin"]


def test_named_origins_may_read_timings() -> None:
    assert "timing-allow-origin" not in get("/", Response()).headers
    origins = ("https://a.example", "https://b.example")
    headers = get("/", Response(), timing_origins=origins).headers
    assert headers["timing-allow-origin"] == "https://a.example, https://b.example"
