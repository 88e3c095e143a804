"""No header, query, path or form field makes the front end fail: a response is below 500.

The requests go through the whole application, with tracing and CORS, and a real Redis.
"""

import asyncio
import os
from collections.abc import Callable, Iterator
from typing import Any, Final
from unittest.mock import patch
from urllib.parse import quote, unquote, urlencode

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from app.main import create_app
from app.options import CompressOptions
from app.results.result import Finished
from app.root_path import ForwardedHeadersMiddleware
from app.service.front_end import Service
from app.settings import AppSettings
from app.sources.signature import signed_path
from app.telemetry import tracing
from contract.errors import UpstreamError
from tests.app.http.in_process import PHOTO, RESULT, StandInQueue
from tests.app.telemetry.collector import collector

KEY: Final = "0123456789abcdef"
JOB_ID: Final = "j" * 24
FETCH_PATH: Final = signed_path(KEY.encode(), "https://photos.example/a.jpg")
QUICK: Final = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

Request = Callable[..., int]

# Every header that the application, its middlewares or its libraries read.
HEADERS: Final = (
    *("accept", "accept-encoding", "accept-language", "access-control-request-headers"),
    *("access-control-request-method", "authorization", "baggage", "cache-control", "connection"),
    *("content-encoding", "content-length", "content-type", "cookie", "expect", "forwarded"),
    *("host", "if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since"),
    *("last-event-id", "origin", "prefer", "range", "referer", "te", "traceparent", "tracestate"),
    *("transfer-encoding", "upgrade", "user-agent", "x-forwarded-for", "x-forwarded-host"),
    *("x-forwarded-prefix", "x-forwarded-proto", "x-request-id"),
)
ROUTES: Final = (
    *(("GET", path) for path in ("/", "/livez", "/metrics", "/openapi.json", "/docs", "/docs/")),
    *(("GET", path) for path in ("/page/x/main.js", "/docs/assets/swagger-ui.css", "/favicon.ico")),
    *(("GET", f"/jobs/{JOB_ID}{part}") for part in ("", "/image", "/heatmap", "/events")),
    *(("GET", FETCH_PATH), ("HEAD", FETCH_PATH), ("HEAD", f"/jobs/{JOB_ID}/image")),
    *(("OPTIONS", "/compress"), ("PUT", "/compress"), ("OPTIONS", "/nothing")),
    *[("POST", "/compress")] * 6,
)
# Pieces of valid values, and of values that parsers are known to stumble over.
PIECES: Final = (
    *(b"multipart/form-data", b"image/jpeg", b"*/*", b"; ", b", ", b"=", b'"', b"\\", b"q=", b" "),
    *(b"boundary=x", b"boundary=", b"charset=", b"undefined", b"idna", b"utf-7", b"rot13", b"hex"),
    *(b"bytes=", b"0-", b"-1", b"1e999", b"nan", b"99999999999999999999", b"%00", b"%ff", b"\t"),
    *(b"W/", b"*", b"00-", b"f" * 32, b"Bearer ", KEY.encode(), b"respond-async", b"no-store"),
    *(b"Sun, 06 Nov 1994 08:49:37 GMT", b"31 Feb 99999", b"chunked", b"gzip", b"100-continue"),
    *(
        b"http://",
        b"[::1",
        b"]:99999999",
        b"@",
        b"\xff\xfe",
        b"\xc3\xa9",
        b"=?utf-8?b?/?=",
        b"\x7f",
    ),
)
VALUES: Final = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=8).map(b"".join),
    # Servers pass no other control characters on (RFC 9110, 5.5).
    st.binary(max_size=40).map(lambda value: value.translate(None, b"\r\n\0")),
)
NUMBERS: Final = (
    *("1e999", "-1e999", "nan", "inf", "9" * 5000, "-0", "1_0", "0x10", "٣", "²", "1e-400", "1."),
    *("\0", "\0" * 50, "75\0", "true", "True", "1", "0", "on", "null", "None", "[]", "{}", "٪"),
)
NAMES: Final = (*CompressOptions.model_fields, "expires")
TEXT: Final = st.one_of(st.sampled_from(NUMBERS), st.text(max_size=20))
PAIRS: Final = st.lists(
    st.tuples(st.one_of(st.sampled_from(NAMES), TEXT), TEXT),
    max_size=4,
)


class StandInUpstream:
    """Every source fails."""

    async def fetch(self, *_: object, **__: object) -> None:
        raise UpstreamError("The source failed.")


async def respond(app: Any, method: str, path: str, **given: Any) -> int:
    """Return the status of the application's response; the client leaves after its request."""
    messages = [{"type": "http.request", "body": given.get("body", b""), "more_body": False}]
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop(0)
        await asyncio.sleep(3600)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])
            for name, value in message["headers"]:
                assert not set(name + value) & set(b"\r\n\0")

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode("ascii"),
        "root_path": "",
        "query_string": given.get("query", b""),
        "headers": given.get("headers", []),
        "client": ("192.0.2.1", 1234),
        "server": ("192.0.2.2", 80),
    }
    async with asyncio.timeout(20):
        await app(scope, receive, send)
    return statuses[0]


@pytest.fixture(scope="module")
def request_status(redis_url: str) -> Iterator[Request]:
    """Return a function that sends a request to the application, and returns the status."""
    chosen = AppSettings(
        redis_url=redis_url,
        fetch_keys=(SecretStr(KEY),),
        fetch_hosts=("photos.example",),
        cors_origins=("https://a.example",),
        cache_max_bytes=0,
    )

    async def start(app: Any) -> Service:
        service = Service(chosen)
        await service.jobs.store(JOB_ID, Finished(RESULT, b"jpeg", None))
        service.require_worker = lambda: None  # type: ignore[method-assign]
        service.queue.run_job = StandInQueue(service).run_job  # type: ignore[method-assign]
        app.state.service, app.state.upstream = service, StandInUpstream()
        return service

    with asyncio.Runner() as runner, collector() as (url, _):
        app = create_app(chosen)
        # Spans wait for the end: the thread that sends them uses `random`, which hypothesis forbids.
        with patch.dict(
            os.environ,
            OTEL_EXPORTER_OTLP_ENDPOINT=url,
            OTEL_BSP_SCHEDULE_DELAY="600000",
            OTEL_BSP_MAX_QUEUE_SIZE="100000",
            OTEL_BSP_MAX_EXPORT_BATCH_SIZE="100000",
        ):
            send_last_spans = tracing.instrument(app)
        service = runner.run(start(app))
        # The server wraps the application so.
        behind_proxy = ForwardedHeadersMiddleware(app, "*")
        yield lambda *call, **given: runner.run(respond(behind_proxy, *call, **given))
        runner.run(service.stop())
        send_last_spans()


@QUICK
@given(
    route=st.sampled_from(ROUTES),
    headers=st.lists(st.tuples(st.sampled_from(HEADERS), VALUES), min_size=1, max_size=5),
)
@example(
    route=("POST", "/compress"),
    headers=[("content-type", b"multipart/form-data; charset=undefined; boundary=x")],
)
@example(route=("POST", "/compress"), headers=[("content-length", b"9" * 5000)])
@example(route=("GET", FETCH_PATH), headers=[("host", b"[")])
@example(route=("GET", "/nothing"), headers=[("user-agent", b"\xff\\x")])
def test_no_header_makes_it_fail(
    request_status: Request, route: tuple[str, str], headers: list[tuple[str, bytes]]
) -> None:
    raw = [(name.encode(), value) for name, value in headers]
    is_form = any(b"multipart/form-data" in value for _, value in headers)
    body = encode_form([("quality", "é")]) if is_form else PHOTO
    status = request_status(*route, headers=raw, body=body)
    assert status < 500 or (status == 502 and route[1] == FETCH_PATH)


@QUICK
@given(
    route=st.sampled_from(
        [*[("POST", "/compress")] * 3, ("GET", f"/jobs/{JOB_ID}"), ("GET", FETCH_PATH)]
    ),
    pairs=PAIRS,
    rest=st.lists(st.sampled_from(["&", "=", ";", "%", "%zz", "%ed%a0%80", "+", "&quality=1"])),
)
def test_no_query_makes_it_fail(
    request_status: Request, route: tuple[str, str], pairs: list[tuple[str, str]], rest: list[str]
) -> None:
    query = (urlencode(pairs) + "".join(rest)).encode()
    assert request_status(*route, query=query, body=PHOTO) in {200, 400, 422, 502}


@QUICK
@given(pairs=PAIRS)
def test_no_field_of_a_form_makes_it_fail(
    request_status: Request, pairs: list[tuple[str, str]]
) -> None:
    headers = [(b"content-type", b"multipart/form-data; boundary=x")]
    status = request_status("POST", "/compress", headers=headers, body=encode_form(pairs))
    assert status in {200, 400, 422}


def encode_form(pairs: list[tuple[str, str]]) -> bytes:
    """Return a form with a photo and fields."""
    parts = [(b'file"; filename="a.jpg', PHOTO)]
    parts += [(quote(name, safe=" é\0").encode(), value.encode()) for name, value in pairs]
    head = b'--x\r\nContent-Disposition: form-data; name="'
    return b"".join(b'%b%b"\r\n\r\n%b\r\n' % (head, *part) for part in parts) + b"--x--\r\n"


@QUICK
@given(
    template=st.sampled_from(["/{}", "/jobs/{}", "/jobs/{}/image", "/page/{}", "/docs/assets/{}"]),
    text=st.one_of(TEXT, st.sampled_from(["..", "../..", "//", "[", "%", "\\", "a" * 5000])),
    escaped=st.booleans(),
)
def test_no_path_makes_it_fail(
    request_status: Request, template: str, text: str, escaped: bool
) -> None:
    raw = quote(text, safe="" if escaped else "/:[]%\\")
    assert request_status("GET", template.format(raw)) < 500


@QUICK
@given(
    pairs=PAIRS, url=st.one_of(TEXT, st.text(max_size=30).map("https://photos.example/{}".format))
)
@example(pairs=[], url="https://[")
@example(pairs=[], url="https://photos.example:99999999/")
def test_no_signed_path_makes_it_fail(
    request_status: Request, pairs: list[tuple[str, str]], url: str
) -> None:
    options = ",".join(f"{name}={value}" for name, value in pairs).replace("/", "")
    path = signed_path(KEY.encode(), url, options or "-")
    assert request_status("GET", quote(path, safe="/%")) in {400, 403, 404, 422, 502}
