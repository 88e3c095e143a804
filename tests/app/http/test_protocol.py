"""Slow clients and endless headers lose their connection; ordinary clients don't notice the limits."""

import contextlib
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

import app.http.protocol
from app.http.protocol import MAX_HEAD_BYTES, LimitedProtocol, limit_protocol

TIMEOUT_S = 0.3
LARGE_BYTES = 10_000_000
GET = b"GET / HTTP/1.1\r\nHost: x\r\n"


async def respond(scope: Scope, _receive: Receive, send: Send) -> None:
    """Respond before the body has arrived; /large has a large response."""
    body = bytes(LARGE_BYTES) if scope["path"] == "/large" else b"hello"
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


@contextmanager
def serve(timeout_s: float) -> Iterator[int]:
    """Run a server with this time limit in a thread; yield its port."""
    protocol = limit_protocol(timeout_s, timeout_s)
    config = uvicorn.Config(respond, port=0, lifespan="off", log_config=None, http=protocol)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def strict_port() -> Iterator[int]:
    """Return the port of a server with short time limits."""
    with pytest.MonkeyPatch.context() as patch, serve(TIMEOUT_S) as port:
        patch.setattr(app.http.protocol, "LINGER_S", TIMEOUT_S)
        yield port


@pytest.fixture(scope="module")
def patient_port() -> Iterator[int]:
    """Return the port of a server that closes no connection for its slowness."""
    with serve(60) as port:
        yield port


def exchange(port: int, start: bytes, *drips: bytes, pause_s: float = 0.02) -> tuple[bytes, float]:
    """Send ``start``, then ``drips`` one after the other, until the server closes the connection.

    Returns what was received, and after how many seconds the server closed.
    """
    received, started_s = b"", time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        try:
            connection.sendall(start)
            for drip in drips:
                connection.sendall(drip)
                if select.select([connection], [], [], pause_s)[0]:
                    chunk = connection.recv(2**16)
                    if not chunk:
                        break
                    received += chunk
            while chunk := connection.recv(2**20):
                received += chunk
        except ConnectionError:
            pass
    return received, time.monotonic() - started_s


@pytest.mark.parametrize(
    ("start", "drip"),
    [
        (b"", b""),
        (b"GET / HT", b""),
        (GET + b"X-A: ", b""),
        (GET + b"X-A: ", b"a"),
    ],
    ids=["nothing", "request line", "header", "dripping header"],
)
def test_an_incomplete_head_is_closed(strict_port: int, start: bytes, drip: bytes) -> None:
    received, elapsed_s = exchange(strict_port, start, *[drip] * 100)
    assert received == b""
    assert TIMEOUT_S / 2 < elapsed_s < 6


def test_an_incomplete_second_head_is_closed(strict_port: int) -> None:
    received, elapsed_s = exchange(strict_port, GET + b"\r\n", GET + b"X-A: ", *[b"a"] * 100)
    assert received.count(b"200 OK") == 1
    assert TIMEOUT_S / 2 < elapsed_s < 6


@pytest.mark.parametrize("line", [b"a" * 1000, b"a: b\r\n" * 100], ids=["one header", "many"])
def test_a_head_above_the_limit_is_closed(patient_port: int, line: bytes) -> None:
    drips = [line] * (8 * MAX_HEAD_BYTES // len(line))
    received, _ = exchange(patient_port, GET + b"X-A: ", *drips, pause_s=0)
    assert received == b""


def test_the_limit_holds_for_each_head_of_a_connection(patient_port: int) -> None:
    half = MAX_HEAD_BYTES // 2
    head = (GET + b"X-A: " + b"a" * half, b"\r\nConnection: keep-alive\r\n\r\n")
    last = GET + b"Connection: close\r\n\r\n"
    received, _ = exchange(patient_port, b"", *head * 4, last, pause_s=0.1)
    assert received.count(b"200 OK") == 5


def test_requests_with_bodies_reuse_their_connection(patient_port: int) -> None:
    post = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n" + bytes(200_000)
    last = GET + b"Connection: close\r\n\r\n"
    received, _ = exchange(patient_port, b"", *[post] * 5, last)
    assert received.count(b"200 OK") == 6


def test_a_body_that_continues_after_its_response_is_closed(strict_port: int) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"
    received, elapsed_s = exchange(strict_port, head, *[b"a"] * 200)
    assert b"200 OK" in received
    assert TIMEOUT_S / 2 < elapsed_s < 6


def test_a_response_that_is_not_read_is_closed(strict_port: int) -> None:
    received = 0
    with socket.socket() as connection:
        # A small buffer, so that most of the response waits in the server.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(10)
        connection.connect(("127.0.0.1", strict_port))
        connection.sendall(GET.replace(b"/ ", b"/large ") + b"\r\n")
        time.sleep(3 * TIMEOUT_S)
        with contextlib.suppress(ConnectionError):
            while chunk := connection.recv(2**20):
                received += len(chunk)
    assert received < LARGE_BYTES


def test_a_response_that_is_read_is_complete(strict_port: int) -> None:
    request = GET.replace(b"/ ", b"/large ") + b"Connection: close\r\n\r\n"
    assert len(exchange(strict_port, request)[0]) > LARGE_BYTES


def test_a_connection_stays_open_after_a_large_response(strict_port: int) -> None:
    request = GET.replace(b"/ ", b"/large ") + b"\r\n"
    with socket.create_connection(("127.0.0.1", strict_port), timeout=10) as connection:
        for _ in range(2):
            connection.sendall(request)
            received = 0
            while received < LARGE_BYTES:
                chunk = connection.recv(2**20)
                assert chunk
                received += len(chunk)
            time.sleep(2 * TIMEOUT_S)


def test_every_overridden_method_is_one_of_uvicorn() -> None:
    own = {name for name in vars(LimitedProtocol) if not name.startswith("_")}
    assert own - {"head_timeout_s", "send_timeout_s"} <= set(dir(HttpToolsProtocol))
