"""The HTTP client of the load, against sockets with given responses."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench.load.closed_loop import Connection, HttpError, Load, parse_head, send

HEAD = (
    b"HTTP/1.1 200 OK\r\n"
    b"x-original-bytes: 736501\r\n"
    b"server-timing: queue;dur=11.5, decode;dur=24.7, predict;dur=63.0, encode;dur=66.6\r\n"
    b"Content-Type:image/jpeg\r\n"
    b"content-length: 4"
)

JPEG = b"\xff\xd8\xff\xd9"


@contextmanager
def responding(*responses: bytes) -> Iterator[str]:
    """Serve one connection: send each response in two halves, then close."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            for response in responses:
                received = b""
                while not received.endswith(b"photo"):
                    received += connection.recv(65536)
                half = len(response) // 2
                connection.sendall(response[:half])
                connection.sendall(response[half:])

    thread = threading.Thread(target=serve)
    thread.start()
    with listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(10)


def test_a_head_that_is_not_http_is_an_error() -> None:
    with pytest.raises(HttpError, match="not an HTTP response"):
        parse_head(b"220 smtp ready")


def test_one_connection_carries_several_responses() -> None:
    full = b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n"
    with responding(HEAD + b"\r\n\r\n" + JPEG, full) as url:
        connection = Connection(url)
        first = send(connection, "/compress", b"photo")
        second = send(connection, "/compress", b"photo")
        connection.close()
    assert (first.status, first.received_bytes, first.sent_bytes) == (200, 4, 5)
    assert first.server_timing.startswith("queue;dur=11.5")
    assert second.status == 429


@pytest.mark.parametrize(
    "response",
    [
        HEAD + b"\r\n\r\n" + b"JPEG",
        HEAD + b"\r\n\r\n" + JPEG[:2],
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"",
    ],
    ids=["no JPEG", "cut short", "no length", "closed"],
)
def test_an_incomplete_jpeg_counts_as_no_response(response: bytes) -> None:
    with responding(response) as url:
        connection = Connection(url)
        assert send(connection, "/compress", b"photo").status == 0
        connection.close()


def test_a_limited_load_sends_exactly_that_many_requests() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    load = Load(url, "/compress", [b"photo"], clients=3, limit=7)
    load.start()
    load.join()
    assert [s.status for s in load.samples] == [0] * 7
