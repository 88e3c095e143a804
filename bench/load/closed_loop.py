"""Closed-loop HTTP load: each client sends its next photo after the response to the last one.

HTTP/1.1 (RFC 9112) over plain sockets, one thread for each client: an HTTP library would use more
CPU time for a request than the measured front end.
"""

import itertools
import random
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

# Number of clients of the quoted results.
MAIN_CLIENTS: Final = 16
DEFAULT_OPTIONS: Final = "quality=50&target=size&progressive=false"
SERVICE_DEFAULTS: Final = ""
"""The query of a request that leaves all options at the service's own defaults."""
TIMEOUT_S: Final = 120.0
# Pause before the next attempt; without it clients that can't connect would use all CPU time.
PAUSE_AFTER_ERROR_S: Final = 0.05
READ_BYTES: Final = 256 * 1024


def name_query(query: str) -> str:
    """Return a query of ``/compress`` as a key of results."""
    return query or "defaults"


class HttpError(Exception):
    """The connection broke, or the response is not HTTP or has no Content-Length."""


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP response; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Sample:
    """One request; ``status`` is 0 without a response; ``ended_s`` is on the monotonic clock."""

    status: int
    ended_s: float
    elapsed_ms: float
    sent_bytes: int
    received_bytes: int
    server_timing: str


class Connection:
    """One keep-alive connection to ``url``'s host; with ``cached`` results may come from the cache."""

    def __init__(self, url: str, *, cached: bool = False) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"not an http:// URL: {url!r}")
        self._address = (parts.hostname, parts.port or 80)
        self._host = parts.netloc
        self._socket: socket.socket | None = None
        # Photos are sent many times; without this header the cache would be measured.
        self._cache_header = "" if cached else "Cache-Control: no-store\r\n"

    def close(self) -> None:
        """Close the connection; the next request opens a new one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def request(self, method: str, target: str, body: bytes = b"") -> Response:
        """Send one request and return its response.

        Raises:
            HttpError: there was no complete response.
        """
        head = (
            f"{method} {target} HTTP/1.1\r\nHost: {self._host}\r\n"
            f"Content-Type: application/octet-stream\r\nContent-Length: {len(body)}\r\n"
            f"{self._cache_header}\r\n"
        )
        try:
            if self._socket is None:
                self._socket = socket.create_connection(self._address, TIMEOUT_S)
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.sendall(head.encode("ascii"))
            self._socket.sendall(body)
            response = self._read(self._socket)
        except (OSError, HttpError) as error:
            self.close()
            raise HttpError(str(error)) from error
        if response.headers.get("connection", "").lower() == "close":
            self.close()
        return response

    @staticmethod
    def _read(connection: socket.socket) -> Response:
        received = b""
        while b"\r\n\r\n" not in received:
            chunk = connection.recv(READ_BYTES)
            if not chunk:
                raise HttpError("closed before the response headers")
            received += chunk
        head, _, start = received.partition(b"\r\n\r\n")
        status, headers = parse_head(head)
        try:
            length = int(headers["content-length"])
        except (KeyError, ValueError) as error:
            raise HttpError("a response without a Content-Length") from error
        chunks = [start]
        missing = length - len(start)
        while missing > 0:
            chunk = connection.recv(min(missing, READ_BYTES))
            if not chunk:
                raise HttpError("closed within the response body")
            chunks.append(chunk)
            missing -= len(chunk)
        return Response(status, headers, b"".join(chunks))


def parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    """Return status and headers of a response head, without the empty line.

    Raises:
        HttpError: the head is not that of HTTP/1.
    """
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ", 2)
    if len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdigit():
        raise HttpError(f"not an HTTP response: {first[:40]!r}")
    pairs = (line.partition(":") for line in lines)
    return int(words[1]), {name.lower(): value.strip() for name, _, value in pairs}


@dataclass
class Load:
    """Clients that send ``photos`` to ``url`` + ``target``, from `start` to `stop`.

    Samples may be read while clients run: appending to a list is atomic in CPython.
    """

    url: str
    target: str
    photos: Sequence[bytes]
    clients: int
    seed: int = 0
    limit: int | None = None  # of requests in total; None: until `stop`
    samples: list[Sample] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._tickets = itertools.count()
        self._threads = [
            threading.Thread(target=self._run, args=(number,), daemon=True, name=f"client-{number}")
            for number in range(self.clients)
        ]

    def start(self) -> None:
        """Start all clients."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let every client finish its request in flight; wait until all have ended."""
        self._stop.set()
        self.join()

    def join(self) -> None:
        """Wait until all clients have ended."""
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        # Clients send in different orders, so that a batch holds different photos.
        order = list(self.photos)
        random.Random(f"{self.seed}/{number}").shuffle(order)
        connection = Connection(self.url)
        for photo in itertools.cycle(order):
            if self._stop.is_set() or (
                self.limit is not None and next(self._tickets) >= self.limit
            ):
                break
            sample = send(connection, self.target, photo)
            self.samples.append(sample)
            if sample.status == 0:
                time.sleep(PAUSE_AFTER_ERROR_S)
        connection.close()


def send(connection: Connection, target: str, photo: bytes) -> Sample:
    """Post one photo and time it; a 200 without a complete JPEG counts as no response."""
    started_s = time.perf_counter()
    try:
        response = connection.request("POST", target, photo)
    except HttpError:
        response = Response(0, {}, b"")
    elapsed_ms = 1e3 * (time.perf_counter() - started_s)
    status = response.status
    if status == 200 and not (
        response.body.startswith(b"\xff\xd8") and response.body.endswith(b"\xff\xd9")
    ):
        status = 0
    return Sample(
        status,
        time.monotonic(),
        elapsed_ms,
        len(photo),
        len(response.body),
        response.headers.get("server-timing", ""),
    )
