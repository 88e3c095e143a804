"""Slow clients and endless headers lose their connection; ordinary clients don't notice the limits."""

import asyncio
import contextlib
import select
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

import app.http.protocol
from app.http.protocol import (
    MAX_FRAME_BYTES,
    MAX_HEADERS,
    MAX_PIPELINED,
    PIECE_BYTES,
    LimitedProtocol,
    limit_protocol,
    send_in_pieces,
)

TIMEOUT_S = 0.3
MAX_UPLOAD_BYTES = 1_000_000
LARGE_BYTES = 10_000_000
GET = b"GET / HTTP/1.1\r\nHost: x\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
LAST = GET + b"Connection: close\r\n\r\n"


BODIES = {"/large": bytes(LARGE_BYTES), "/late": bytes(LARGE_BYTES), "/medium": bytes(50_000)}

# Requests in progress, and the connection of the last one, by path.
active: Counter[str] = Counter()
connections: dict[str, LimitedProtocol] = {}


async def respond(scope: Scope, receive: Receive, send: Send) -> None:
    """Respond before the body has arrived, on /echo after it; /large has a large response."""
    active[scope["path"]] += 1
    connections[scope["path"]] = scope["state"]["connection"]
    try:
        body = BODIES.get(scope["path"], b"hello")
        if scope["path"] == "/echo":
            body = b"%d headers, " % len(scope["headers"]) + await read_body(receive)
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        if scope["path"] in {"/slow", "/late"}:
            await asyncio.sleep(TIMEOUT_S)
        await send({"type": "http.response.body", "body": body})
    finally:
        active[scope["path"]] -= 1


async def read_body(receive: Receive) -> bytes:
    """Return the body of a request as far as it arrives."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return body


@contextmanager
def serve(timeout_s: float, buffer_bytes: int = 0) -> Iterator[int]:
    """Run a server with this time limit in a thread; yield its port.

    Of a response at most ``buffer_bytes`` wait in the kernel, by default as many as it likes.
    """
    protocol = limit_protocol(timeout_s, timeout_s, MAX_UPLOAD_BYTES)
    config = uvicorn.Config(respond, lifespan="off", log_config=None, http=protocol)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        if buffer_bytes:  # connections inherit it
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer_bytes)
        port = listener.getsockname()[1]
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        while not server.started:
            thread.join(0.01)
        yield port
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
    drips = [line] * (8 * MAX_FRAME_BYTES // len(line))
    received, _ = exchange(patient_port, GET + b"X-A: ", *drips, pause_s=0)
    assert b"200 OK" not in received


def test_the_limit_holds_for_each_head_of_a_connection(patient_port: int) -> None:
    half = MAX_FRAME_BYTES // 2
    head = (GET + b"X-A: " + b"a" * half, b"\r\nConnection: keep-alive\r\n\r\n")
    received, _ = exchange(patient_port, b"", *head * 4, LAST, pause_s=0.1)
    assert received.count(b"200 OK") == 5


def test_requests_with_bodies_reuse_their_connection(patient_port: int) -> None:
    post = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n" + bytes(200_000)
    received, _ = exchange(patient_port, b"", *[post] * 5, LAST)
    assert received.count(b"200 OK") == 6


def test_a_body_that_continues_after_its_response_is_closed(strict_port: int) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"
    received, elapsed_s = exchange(strict_port, head, *[b"a"] * 200)
    assert b"200 OK" in received
    assert TIMEOUT_S / 2 < elapsed_s < 6


@pytest.mark.parametrize("frame", ["trailers", "chunk extension", "chunk extensions"])
@pytest.mark.parametrize("path", [b"/ ", b"/echo "], ids=["body not read", "body read"])
def test_what_surrounds_a_body_is_limited(patient_port: int, path: bytes, frame: str) -> None:
    start, drip = {
        "trailers": (b"1\r\na\r\n0\r\n", b"a: b\r\n" * 1000),
        "chunk extension": (b"1;", b"a=b;" * 1000),
        "chunk extensions": (b"", b"1;" + b"a" * 1000 + b"\r\nb\r\n"),
    }[frame]
    head = CHUNKED.replace(b"/ ", path, 1)
    received, _ = exchange(patient_port, head + start, *[drip] * 2000, pause_s=0)
    assert b"200 OK" not in received or path == b"/ "


def test_trailers_are_dropped(patient_port: int) -> None:
    body = b"1\r\na\r\n0\r\nX-A: b\r\nX-B: c\r\n\r\n"
    received, _ = exchange(patient_port, CHUNKED.replace(b"/ ", b"/echo ", 1) + body, LAST)
    assert b"2 headers, aHTTP" in received


def test_a_body_in_the_smallest_chunks_is_accepted(patient_port: int) -> None:
    body = b"0001\r\na\r\n" * 20_000 + b"0\r\n\r\n"
    received, _ = exchange(patient_port, CHUNKED.replace(b"/ ", b"/echo ", 1) + body, LAST)
    assert b"a" * 20_000 in received


def test_a_body_that_no_route_reads_is_limited(patient_port: int) -> None:
    with socket.create_connection(("127.0.0.1", patient_port), timeout=10) as connection:
        connection.sendall(POST + b"Content-Length: 1000000000\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 OK")
        with pytest.raises(ConnectionError):
            connection.sendall(bytes(50_000_000))


def test_too_many_headers_are_refused(patient_port: int) -> None:
    received, _ = exchange(patient_port, GET + b"a:b\r\n" * MAX_HEADERS + b"\r\n")
    assert received.startswith(b"HTTP/1.1 400 ")
    received, _ = exchange(patient_port, LAST[:-2] + b"a:b\r\n" * (MAX_HEADERS - 2) + b"\r\n")
    assert received.startswith(b"HTTP/1.1 200 ")


def test_too_many_requests_at_once_are_refused(patient_port: int) -> None:
    slow = GET.replace(b"/ ", b"/slow ") + b"\r\n"
    received, _ = exchange(patient_port, slow + (GET + b"\r\n") * (MAX_PIPELINED - 1) + LAST)
    assert received.count(b"200 OK") == MAX_PIPELINED + 1
    received, _ = exchange(patient_port, slow + (GET + b"\r\n") * MAX_PIPELINED + LAST)
    assert received.count(b"200 OK") <= 1


def test_an_invalid_request_is_not_refused_inside_a_response(patient_port: int) -> None:
    slow = GET.replace(b"/ ", b"/slow ") + b"\r\n"
    received, _ = exchange(patient_port, slow, b"\x00nonsense\r\n\r\n", pause_s=0.1)
    assert b"400" not in received


@pytest.mark.parametrize("start", [b"", GET + b"\r\n"], ids=["first", "second"])
def test_empty_lines_instead_of_a_head_are_closed(strict_port: int, start: bytes) -> None:
    _, elapsed_s = exchange(strict_port, start, *[b"\r\n"] * 400)
    assert TIMEOUT_S / 2 < elapsed_s < 6


def test_an_empty_line_after_a_response_keeps_no_connection(strict_port: int) -> None:
    _, elapsed_s = exchange(strict_port, GET + b"\r\n", b"", b"\r\n", pause_s=0.1)
    assert TIMEOUT_S / 2 < elapsed_s < 6


def test_an_upgrade_is_passed_over(patient_port: int) -> None:
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
    received, elapsed_s = exchange(patient_port, GET + upgrade + b"\r\n" + GET + b"\r\n")
    assert received.count(b"200 OK") == 1
    assert elapsed_s < 4  # the connection is not kept for another request
    body = b"Content-Length: 500\r\n\r\n" + (GET + b"\r\n").ljust(500)
    received, _ = exchange(patient_port, POST + upgrade + body)
    assert received.startswith(b"HTTP/1.1 400 ")


def connect_and_ask(port: int, path: bytes, buffer_bytes: int = 4096) -> socket.socket:
    """Ask for a response; most of it waits in the server, because the buffer is small."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
    connection.settimeout(10)
    connection.connect(("127.0.0.1", port))
    connection.sendall(GET.replace(b"/ ", path) + b"\r\n")
    return connection


def test_a_request_ends_when_its_response_has_been_read(patient_port: int) -> None:
    with connect_and_ask(patient_port, b"/large ") as connection:
        received = 0
        while received < LARGE_BYTES - 5_000_000:
            received += len(connection.recv(2**16))
        time.sleep(0.1)
        assert active["/large"] == 1
        while received < LARGE_BYTES:
            received += len(connection.recv(2**16))
        time.sleep(0.1)
        assert active["/large"] == 0


# The medium one fits into the buffer that asyncio's transports have by default.
@pytest.mark.parametrize("path", ["/large", "/medium"])
@pytest.mark.parametrize("is_closed", [False, True], ids=["open", "half-closed"])
def test_a_request_ends_when_its_client_reads_nothing(is_closed: bool, path: str) -> None:
    with (
        serve(TIMEOUT_S, buffer_bytes=4096) as port,
        connect_and_ask(port, path.encode() + b" ") as connection,
    ):
        time.sleep(TIMEOUT_S / 3)
        assert active[path] == 1
        if is_closed:
            connection.shutdown(socket.SHUT_WR)
        time.sleep(2 * TIMEOUT_S)
        assert active[path] == 0


def test_a_client_that_reads_too_slowly_is_closed(strict_port: int) -> None:
    received = 0
    with (
        # Each piece is read in time, but not all of them.
        connect_and_ask(strict_port, b"/large ", buffer_bytes=2**16) as connection,
        contextlib.suppress(ConnectionError),
    ):
        while chunk := connection.recv(2**16):
            received += len(chunk)
            time.sleep(TIMEOUT_S / 50)
    assert received < LARGE_BYTES


def test_a_connection_knows_how_long_its_client_has_been_silent(patient_port: int) -> None:
    with socket.create_connection(("127.0.0.1", patient_port)) as connection:
        connection.sendall(POST.replace(b"/ ", b"/echo ") + b"Content-Length: 3\r\n\r\na")
        time.sleep(0.3)
        assert 0.2 < connections["/echo"].stalled_s() < 5
        connection.sendall(b"b")
        time.sleep(0.1)
        assert connections["/echo"].stalled_s() < 0.2
    with connect_and_ask(patient_port, b"/large ") as connection:
        time.sleep(0.3)
        assert 0.2 < connections["/large"].stalled_s() < 5
        received = 0
        while received < LARGE_BYTES - 1_000_000:
            received += len(connection.recv(2**16))
        assert connections["/large"].stalled_s() < 0.2


def test_a_client_that_reads_steadily_is_not_silent(patient_port: int) -> None:
    """The kernel takes more before a third of its buffer, by default of megabytes, has been read."""
    with connect_and_ask(patient_port, b"/large ", buffer_bytes=2**16) as connection:
        unnoticed_bytes = most_bytes = 0
        shown_s = 0.0
        for _ in range(5_000_000 // 2**14):
            unnoticed_bytes += len(connection.recv(2**14, socket.MSG_WAITALL))
            time.sleep(0.002)
            stalled_s = connections["/large"].stalled_s()
            if stalled_s < shown_s:
                most_bytes = max(most_bytes, unnoticed_bytes)
                unnoticed_bytes = 0
            shown_s = stalled_s
    assert 0 < most_bytes < 3 * PIECE_BYTES


def test_a_client_that_waits_is_not_silent(patient_port: int) -> None:
    with connect_and_ask(patient_port, b"/late "):
        time.sleep(TIMEOUT_S / 2)
        assert active["/late"] == 1
        assert connections["/late"].stalled_s() == 0
        time.sleep(TIMEOUT_S)
        assert 0 < connections["/late"].stalled_s() < TIMEOUT_S  # not since its request


def test_responses_that_are_not_read_are_closed(strict_port: int) -> None:
    # Each fits into uvicorn's buffer, which has no time limit by itself.
    with connect_and_ask(strict_port, b"/medium ") as connection, contextlib.suppress(OSError):
        for _ in range(200):
            connection.sendall(GET.replace(b"/ ", b"/medium ") + b"\r\n")
            time.sleep(0.01)
        pytest.fail("the connection is still open")


def test_a_response_is_written_in_pieces() -> None:
    pieces: list[Message] = []

    async def collect(message: Message) -> None:
        pieces.append({**message, "body": bytes(message.get("body", b""))})

    async def run() -> None:
        await send_in_pieces(respond)(
            {"type": "http", "path": "/large", "state": {"connection": None}},
            None,
            collect,  # type: ignore[arg-type]
        )

    asyncio.run(run())
    _, *bodies = pieces
    assert b"".join(piece["body"] for piece in bodies) == bytes(LARGE_BYTES)
    assert max(len(piece["body"]) for piece in bodies) == PIECE_BYTES
    assert [piece["more_body"] for piece in bodies] == [True] * (len(bodies) - 1) + [False]
    assert bodies[-1]["body"] == b""


def test_a_response_that_is_not_read_is_closed(strict_port: int) -> None:
    received = 0
    with connect_and_ask(strict_port, b"/large ") as connection:
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
    assert own - {
        "head_timeout_s",
        "send_timeout_s",
        "max_body_bytes",
        "stalled_s",
        "abort",
    } <= set(dir(HttpToolsProtocol))
