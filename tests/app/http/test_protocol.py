"""Slow clients and endless headers lose their connection; ordinary clients don't notice the limits."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

import app.http.protocol
from app.http.protocol import MAX_HEAD_BYTES, LimitedProtocol, limit_protocol

HEAD_TIMEOUT_S = 0.3
SEND_TIMEOUT_S = 0.3
LINGER_S = 0.3
LARGE_BYTES = 30_000_000
GET = b"GET / HTTP/1.1\r\nHost: x\r\n"


async def respond(scope: Scope, _receive: Receive, send: Send) -> None:
    """Respond at once, whatever of the body is there; /large has a large response."""
    body = bytes(LARGE_BYTES) if scope["path"] == "/large" else b"hello"
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Return the port of a server with short limits, in a thread of this process."""
    patch = pytest.MonkeyPatch()
    patch.setattr(app.http.protocol, "LINGER_S", LINGER_S)
    config = uvicorn.Config(
        respond,
        port=0,
        lifespan="off",
        log_config=None,
        http=limit_protocol(HEAD_TIMEOUT_S, SEND_TIMEOUT_S),
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join()
    patch.undo()


async def read_until_closed(
    port: int, *parts: bytes, pause_s: float = 0.05, limit: int = 2**16
) -> tuple[bytes, float]:
    """Send ``parts``, then read; return what was read and the seconds until the server closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=limit)
    clock = asyncio.get_running_loop().time
    started_s = clock()
    try:
        for part in parts:
            writer.write(part)
            await asyncio.sleep(pause_s)
        async with asyncio.timeout(10):
            return await reader.read(), clock() - started_s
    except ConnectionError:
        return b"", clock() - started_s
    finally:
        writer.close()


@pytest.mark.parametrize(
    "parts",
    [
        (),
        (b"GET / HT",),
        (GET + b"X-A: ",),
        (GET + b"X-A: ", *[b"a"] * 20),
        (GET + b"\r\n", GET + b"X-A: ", *[b"a"] * 20),
    ],
    ids=["nothing", "request line", "header", "dripping header", "second head"],
)
def test_an_incomplete_head_is_closed(port: int, parts: tuple[bytes, ...]) -> None:
    received, elapsed_s = asyncio.run(read_until_closed(port, *parts))
    assert HEAD_TIMEOUT_S <= elapsed_s < 5
    assert received.count(b"200 OK") == (
        1 if len(parts) > 1 and parts[0].endswith(b"\r\n\r\n") else 0
    )


@pytest.mark.parametrize("line", [b"a" * 1000, b"a: b\r\n" * 100], ids=["one header", "many"])
def test_a_head_above_the_limit_is_closed(port: int, line: bytes) -> None:
    parts = [line] * (2 * MAX_HEAD_BYTES // len(line))
    received, elapsed_s = asyncio.run(read_until_closed(port, GET + b"X-A: ", *parts, pause_s=0.0))
    assert received == b""
    assert elapsed_s < HEAD_TIMEOUT_S


def test_requests_with_bodies_reuse_their_connection(port: int) -> None:
    body = bytes(200_000)
    post = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n" + body
    parts = [post] * 10
    received, _ = asyncio.run(read_until_closed(port, *parts, pause_s=0.0))
    assert received.count(b"200 OK") == 10


def test_a_body_that_continues_after_its_response_is_closed(port: int) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"
    received, elapsed_s = asyncio.run(read_until_closed(port, head, *[b"a"] * 40))
    assert b"200 OK" in received or received == b""
    assert LINGER_S <= elapsed_s < 1.9


def test_a_response_that_is_not_read_is_closed(port: int) -> None:
    async def run() -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1000)
        writer.write(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.sleep(SEND_TIMEOUT_S + 0.5)
        received = 0
        try:
            while chunk := await reader.read(2**16):
                received += len(chunk)
        except ConnectionError:
            pass
        finally:
            writer.close()
        return received

    assert asyncio.run(run()) < LARGE_BYTES


def test_a_response_that_is_read_is_complete(port: int) -> None:
    request = b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    received, _ = asyncio.run(read_until_closed(port, request, pause_s=0.0))
    assert len(received) > LARGE_BYTES


def test_every_overridden_method_is_one_of_uvicorn() -> None:
    own = {name for name in vars(LimitedProtocol) if not name.startswith("_")}
    assert own - {"head_timeout_s", "send_timeout_s"} <= set(dir(HttpToolsProtocol))
