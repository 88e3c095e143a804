"""Uploads that are under way while something happens to the queue, and how they may end."""

import io
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count

import httpx
from PIL import Image

from tests.integration.http_requests import new_client
from tests.integration.running import wait_for
from tests.photos import file_of, photo

# Codes of errors that do not blame the photo, with their statuses.
EXCUSES = {"queue-unavailable": 503, "no-worker": 503, "deadline-passed": 504}
PROBLEM = "application/problem+json"
TIMEOUT_S = 120
SEEDS = count(1)


def check_end(response: httpx.Response, size: tuple[int, int]) -> int:
    """Return the status of the response to a photo of ``size``.

    Raises:
        AssertionError: it is neither a JPEG of that size nor one of `EXCUSES`.
    """
    if response.status_code == httpx.codes.OK:
        assert Image.open(io.BytesIO(response.content)).size == size
    else:
        assert response.headers["content-type"] == PROBLEM
        code = response.json()["type"].rpartition(":")[2]
        assert EXCUSES.get(code) == response.status_code, response.text
    return response.status_code


class InFlight:
    """Photos of different sizes, sent at once."""

    def __init__(self, client: httpx.Client, pool: ThreadPoolExecutor, uploads: int) -> None:
        self._sizes = [(200 + number, 150) for number in range(uploads)]
        # Made before the first is sent, so that all arrive within a moment; none is cached.
        seed = next(SEEDS)
        files = [file_of(photo(*size, seed), "JPEG", quality=90) for size in self._sizes]
        self._responses: list[Future[httpx.Response]] = [
            pool.submit(client.post, "/compress", content=file) for file in files
        ]
        wait_for(lambda: self.waiting < uploads, what="for the first response")

    @property
    def waiting(self) -> int:
        """How many have no response yet."""
        return sum(not response.done() for response in self._responses)

    def ends(self) -> Counter[int]:
        """Return how often each status came, once all have ended."""
        pairs = zip(self._responses, self._sizes, strict=True)
        return Counter(check_end(response.result(TIMEOUT_S), size) for response, size in pairs)


@contextmanager
def in_flight(url: str, uploads: int) -> Iterator[InFlight]:
    """Send ``uploads`` photos; yield them when the first has its response.

    The worker must take long enough for the others to be under way then: `Running` with ``pass_s``.
    """
    limits = httpx.Limits(max_connections=uploads)
    with (
        new_client(base_url=url, timeout=TIMEOUT_S, limits=limits) as client,
        ThreadPoolExecutor(uploads) as pool,
    ):
        yield InFlight(client, pool, uploads)


class Load:
    """Clients that upload to hosts until they are stopped; each photo has its own size."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.ends: Counter[tuple[str, str]] = Counter()
        self.faults: list[str] = []
        self._widths = count()
        self._stop = threading.Event()

    def run(self, address: str) -> None:
        """Upload to one front end, one photo after the other."""
        with new_client(base_url=f"http://{address}:{self._port}", timeout=90) as client:
            while not self._stop.is_set():
                size = (64 + next(self._widths) % 400, 96)
                try:
                    response = client.post("/compress", content=file_of(photo(*size)))
                except httpx.TransportError as error:
                    self.ends[address, type(error).__name__] += 1
                    time.sleep(0.2)
                    continue
                self.ends[address, str(response.status_code)] += 1
                try:
                    check_end(response, size)
                except AssertionError as error:
                    self.faults.append(f"{size}: {error}")

    def ends_of(self, address: str) -> set[str]:
        """Return the statuses and errors that the clients of a front end got."""
        return {end for front, end in self.ends if front == address}

    def count_photos(self, address: str) -> int:
        """Return how many JPEGs a front end has sent."""
        return self.ends[address, "200"]

    def measure_rate(self, address: str, seconds: float) -> float:
        """Return how many JPEGs a second a front end sends from now on."""
        before = self.count_photos(address)
        time.sleep(seconds)
        return (self.count_photos(address) - before) / seconds

    def stop(self) -> None:
        """Let every client end after its next response."""
        self._stop.set()
