"""Requests need a valid API key, except on open paths."""

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from app.http.middlewares.api_keys import ApiKeyMiddleware
from tests.app.http.in_process import read_problem, send

KEYS = ("first-key-0123456789", "second-key-9876543210")


async def respond(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("passed")(scope, receive, send)


def post(path: str = "/compress", *authorization: bytes) -> httpx.Response:
    headers = [(b"Authorization", value) for value in authorization]
    return send(ApiKeyMiddleware(respond, KEYS), "POST", path, headers=headers)


@pytest.mark.parametrize(
    "authorization", [b"Bearer first-key-0123456789", b"bearer  second-key-9876543210 "]
)
def test_each_key_is_accepted(authorization: bytes) -> None:
    assert post("/compress", authorization).text == "passed"


@pytest.mark.parametrize(
    "authorization",
    [
        b"",
        b"Bearer",
        b"Bearer first-key-012345678",
        b"Bearer first-key-0123456789x",
        b"Bearer first-key-0123456789, second-key-9876543210",
        b"Basic first-key-0123456789",
        b"first-key-0123456789",
        b"Bearer \xff\xfe",
    ],
)
def test_everything_else_is_refused_as_an_invalid_token(authorization: bytes) -> None:
    response = post("/compress", authorization)
    assert read_problem(response) == (401, "missing-key")
    assert response.headers["www-authenticate"] == 'Bearer realm="foveate", error="invalid_token"'
    assert response.headers["connection"] == "close"


def test_a_request_without_a_key_is_challenged() -> None:
    response = post()
    assert read_problem(response) == (401, "missing-key")
    assert response.headers["www-authenticate"] == 'Bearer realm="foveate"'


def test_two_authorization_headers_are_refused() -> None:
    valid = b"Bearer first-key-0123456789"
    assert post("/compress", valid, valid).status_code == 401


def test_only_the_listed_paths_are_open() -> None:
    for path in ("/", "/livez", "/readyz", "/docs", "/docs/assets/x.js", "/page/x", "/fetch/a/-/b"):
        assert post(path).status_code == 200, path
    for path in ("/metrics", "/jobs/x", "/livez/", "/docsx", "/pages/x", "/fetch", "/new"):
        assert post(path).status_code == 401, path


def test_a_key_is_known_by_its_digest_whatever_the_order_of_keys() -> None:
    seen: list[str] = []

    async def note(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["state"]["api_key"])
        await respond(scope, receive, send)

    for keys in (KEYS, KEYS[::-1]):
        for key in KEYS:
            headers = {"Authorization": f"Bearer {key}"}
            send(ApiKeyMiddleware(note, keys), "POST", "/compress", headers=headers)
    assert seen[:2] == seen[2:]
    assert len(set(seen)) == 2
    assert not any(key in digest for key in KEYS for digest in seen)
