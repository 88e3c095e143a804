"""Clients that are slow on purpose lose their connection; they hold no place for long."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import httpx
import pytest

from tests.integration.front_end import FrontEnd, run_front_end
from tests.integration.running import Running, metric, wait_for
from tests.photos import file_of, photo

PHOTO = file_of(photo(1000, 800), "JPEG", quality=95)
POST = b"POST /compress HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture(scope="module")
def front_end(service: Running) -> Iterator[FrontEnd]:
    assert service.url
    with run_front_end(
        service.redis_url,
        HEAD_TIMEOUT_S="1",
        SEND_TIMEOUT_S="1",
        UPLOAD_GRACE_S="1",
        MIN_UPLOAD_BYTES_PER_S="100000",
        MAX_PENDING_BYTES="4000000",
    ) as running:
        yield running


def connect(front_end: FrontEnd) -> socket.socket:
    address = urlsplit(front_end.url)
    return socket.create_connection((address.hostname, address.port), timeout=15)


def seconds_until_closed(connection: socket.socket, drip: bytes = b"") -> tuple[float, bytes]:
    """Send ``drip`` every 50 ms until the other side closes; return when, and what it said."""
    started_s, said = time.monotonic(), b""
    connection.settimeout(0.05)
    while time.monotonic() - started_s < 12:
        try:
            if drip:
                connection.sendall(drip)
            received = connection.recv(65536)
            if not received:
                break
            said += received
        except TimeoutError:
            continue
        except OSError:
            break
    return time.monotonic() - started_s, said


@pytest.mark.parametrize(
    ("start", "drip"),
    [
        (b"", b""),
        (b"GET /liv", b""),
        (b"GET /livez HTTP/1.1\r\nX-A: ", b""),
        (b"GET /", b"a"),
        (b"GET /livez HTTP/1.1\r\nX-A: ", b"a"),
    ],
)
def test_a_head_that_does_not_end_is_given_up(
    front_end: FrontEnd, start: bytes, drip: bytes
) -> None:
    with connect(front_end) as connection:
        connection.sendall(start)
        elapsed_s, said = seconds_until_closed(connection, drip)
    assert 0.8 < elapsed_s < 4
    assert b"200" not in said


def test_a_second_head_on_the_same_connection_as_well(front_end: FrontEnd) -> None:
    with connect(front_end) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        connection.sendall(b"GET /livez HTTP/1.1\r\nX-A: ")
        elapsed_s, _ = seconds_until_closed(connection, b"a")
    assert 0.8 < elapsed_s < 4


def test_a_body_that_drips_gets_504_and_loses_its_place(front_end: FrontEnd) -> None:
    with connect(front_end) as connection:
        connection.sendall(POST + b"Content-Length: 100000\r\n\r\n")
        wait_for(lambda: metric(front_end.url, "foveate_pending_uploads") == 1)
        elapsed_s, said = seconds_until_closed(connection, b"a")
        assert 0.8 < elapsed_s < 5
        assert b" 504 " in said.splitlines()[0]
        assert b"connection: close" in said.lower()
    assert metric(front_end.url, "foveate_pending_uploads") == 0


def test_a_steady_body_is_taken(front_end: FrontEnd) -> None:
    def pieces() -> Iterator[bytes]:
        for at in range(0, len(PHOTO), 20_000):
            yield PHOTO[at : at + 20_000]
            time.sleep(0.1)

    started_s = time.monotonic()
    assert httpx.post(f"{front_end.url}/compress", content=pieces(), timeout=30).status_code == 200
    assert time.monotonic() - started_s > 1.5


def test_who_announces_much_and_sends_nothing_locks_nobody_out(front_end: FrontEnd) -> None:
    with ExitStack() as stack:
        for _ in range(10):
            connection = stack.enter_context(connect(front_end))
            connection.sendall(POST + b"Content-Length: 50000000\r\n\r\n")
        wait_for(lambda: metric(front_end.url, "foveate_pending_uploads") == 10)
        response = httpx.post(f"{front_end.url}/compress", content=PHOTO, timeout=30)
    assert response.status_code == 200


def test_an_answer_that_is_not_taken_is_dropped(front_end: FrontEnd) -> None:
    with socket.socket() as connection:
        # Little of the answer fits on the way: the rest waits in the server's memory.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(15)
        address = urlsplit(front_end.url)
        connection.connect((address.hostname, address.port))
        asset = b"GET /docs/assets/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n"
        connection.sendall(asset * 20)
        time.sleep(3)
        received = 0
        try:
            while chunk := connection.recv(1 << 20):
                received += len(chunk)
        except OSError:
            pass
        assert received < 10_000_000
    assert httpx.get(f"{front_end.url}/livez").status_code == 200


def test_a_body_after_a_refusal_does_not_go_on_for_ever(
    front_end: FrontEnd,
) -> None:
    with connect(front_end) as connection:
        connection.sendall(
            POST.replace(b"compress", b"compress?quality=0") + b"Content-Length: 100000\r\n\r\n"
        )
        said = connection.recv(65536)
        assert b" 422 " in said.splitlines()[0]
        elapsed_s = drip_until_closed(connection)
    assert elapsed_s < 22


def drip_until_closed(connection: socket.socket) -> float:
    started_s = time.monotonic()
    try:
        while time.monotonic() - started_s < 30:
            connection.sendall(b"a")
            time.sleep(0.1)
    except OSError:
        pass
    return time.monotonic() - started_s
