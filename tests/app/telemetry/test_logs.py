"""Log lines are one JSON object each, or text that can't forge a second record."""

import asyncio
import json
import logging
import sys
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from app.main import create_app
from app.settings import AppSettings
from app.telemetry.logs import JsonFormatter, TextFormatter
from app.telemetry.request_id import request_id

HOSTILE = 'a\nERROR forged: b\r\x1b[2J\x00\x85\u2028"'


def make_record(message: str, **fields: object) -> logging.LogRecord:
    record = logging.LogRecord("app.x", logging.INFO, "x.py", 1, message, (), None)
    record.fields = fields
    return record


def test_json_lines_are_ascii_objects() -> None:
    line = JsonFormatter().format(make_record(HOSTILE, path=HOSTILE))
    assert line.isascii()
    assert line.isprintable()
    parsed = json.loads(line)
    assert parsed["message"] == parsed["path"] == HOSTILE
    assert parsed["level"] == "INFO"
    assert parsed["time"].endswith("+00:00")


def test_lines_of_several_front_ends_have_their_numbers() -> None:
    assert json.loads(JsonFormatter(2).format(make_record("a")))["front_end"] == 2
    assert " [2] INFO app.x: a" in TextFormatter(2).format(make_record("a"))
    assert "front_end" not in JsonFormatter().format(make_record("a"))


def test_only_the_first_line_of_a_text_record_is_not_indented() -> None:
    token = request_id.set("abcdefgh")
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        record = make_record(HOSTILE, path=HOSTILE)
        record.exc_info = sys.exc_info()
        text = TextFormatter().format(record)
    finally:
        request_id.reset(token)
    first, *others = text.split("\n")
    assert "INFO app.x: a" in first
    assert others
    assert all(line.startswith("    ") for line in others)
    assert not any(character in text for character in "\r\x1b\x00\x85")
    assert "request_id=abcdefgh" in text


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
