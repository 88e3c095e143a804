"""Clients that are slow on purpose lose their connection, and their place in the front end.

Here the settings have their effect; tests/app/http/test_protocol.py has every kind of slowness.
"""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest

from tests.integration.front_end import FrontEnd, run_front_end
from tests.integration.http_requests import get, post
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
    """Send ``drip`` every 50 ms until the server closes; return the seconds, and what it sent."""
    started_s, sent = time.monotonic(), b""
    connection.settimeout(0.05)
    while time.monotonic() - started_s < 12:
        try:
            if drip:
                connection.sendall(drip)
            received = connection.recv(65536)
            if not received:
                break
            sent += received
        except TimeoutError:
            continue
        except OSError:
            break
    return time.monotonic() - started_s, sent


@pytest.mark.parametrize("drip", [b"", b"a"], ids=["silent", "dripping"])
def test_an_unfinished_head_ends_the_connection(front_end: FrontEnd, drip: bytes) -> None:
    with connect(front_end) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nX-A: ")
        elapsed_s, response = seconds_until_closed(connection, drip)
    assert 0.8 < elapsed_s < 8
    assert b"200" not in response


def test_a_dripping_body_gets_408_and_frees_its_place(front_end: FrontEnd) -> None:
    with connect(front_end) as connection:
        connection.sendall(POST + b"Content-Length: 100000\r\n\r\n")
        wait_for(lambda: metric(front_end.url, "foveate_pending_uploads") == 1)
        elapsed_s, response = seconds_until_closed(connection, b"a")
        assert 0.8 < elapsed_s < 8
        assert b" 408 " in response.splitlines()[0]
        assert b"connection: close" in response.lower()
    assert metric(front_end.url, "foveate_pending_uploads") == 0


def test_a_steady_body_is_accepted(front_end: FrontEnd) -> None:
    def pieces() -> Iterator[bytes]:
        for at in range(0, len(PHOTO), 20_000):
            yield PHOTO[at : at + 20_000]
            time.sleep(0.1)

    started_s = time.monotonic()
    assert post(f"{front_end.url}/compress", content=pieces(), timeout=30).status_code == 200
    assert time.monotonic() - started_s > 1.5


def test_announced_bytes_that_are_not_sent_hold_no_memory(front_end: FrontEnd) -> None:
    with ExitStack() as stack:
        for _ in range(10):
            connection = stack.enter_context(connect(front_end))
            connection.sendall(POST + b"Content-Length: 50000000\r\n\r\n")
        wait_for(lambda: metric(front_end.url, "foveate_pending_uploads") == 10)
        response = post(f"{front_end.url}/compress", content=PHOTO, timeout=30)
    assert response.status_code == 200


def test_a_response_that_is_not_read_is_dropped(front_end: FrontEnd) -> None:
    with socket.socket() as connection:
        # Little of the response fits into the buffers; the rest waits in the server's memory.
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
    assert get(f"{front_end.url}/livez").status_code == 200
