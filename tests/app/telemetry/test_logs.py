"""Each request has one line in the log."""

import asyncio
import logging
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from app.main import create_app
from app.settings import AppSettings


class Client:
    """Sends requests to an application in this process."""

    def __init__(self, app: Any) -> None:
        self._transport = httpx.ASGITransport(app, raise_app_exceptions=False)

    def request(self, method: str, path: str, **request: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._transport, base_url="http://x") as client:
                return await client.request(method, path, **request)

        return asyncio.run(send())


@pytest.fixture
def client() -> Client:
    app = create_app(AppSettings(redis_url="unix:///nonexistent/redis.sock"))

    @app.get("/broken/{name}")
    async def fail(name: str) -> Response:
        raise RuntimeError(name)

    @app.post("/echo")
    async def echo(request: Request) -> Response:
        body = await request.body()
        request.state.stage_ms = {"queue": 1.52, "encode": 20.0}
        return PlainTextResponse(str(len(body)))

    return Client(app)


def test_an_unexpected_error_is_a_problem_with_the_requests_id(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    response = client.request("GET", "/broken/x", headers={"X-Request-ID": "my-own-id-1234"})
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-request-id"] == "my-own-id-1234"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-store"
    assert response.json()["type"] == "urn:foveate:problem:internal-error"
    assert any(record.exc_info for record in caplog.records)


def test_each_request_has_one_line(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "app.requests")
    client.request("POST", "/echo?secret=1", content=b"12345")
    client.request("GET", "/broken/secret")
    client.request("GET", "/secret%0Apath" + "x" * 500)
    lines = [record.fields for record in caplog.records if record.name == "app.requests"]  # type: ignore[attr-defined]
    assert [line["path"] for line in lines[:2]] == ["/echo", "/broken/{name}"]
    assert [line["status"] for line in lines] == [200, 500, 404]
    assert lines[0]["method"] == "POST"
    assert (lines[0]["bytes_in"], lines[0]["bytes_out"]) == (5, 1)
    assert lines[0]["stages_ms"] == {"queue": 1.5, "encode": 20.0}
    assert lines[0]["duration_ms"] >= 0
    assert lines[2]["path"].startswith("/secret\\npathxxx")
    assert len(lines[2]["path"]) < 110
