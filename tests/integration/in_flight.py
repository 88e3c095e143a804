"""Uploads that are under way while something happens to the queue, and what they may end in."""

import io
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import httpx
from PIL import Image

from tests.integration.running import wait_for
from tests.photos import file_of, photo

# By code; none of them says that the photo was at fault.
EXCUSES = {"queue-unavailable": 503, "no-worker": 503, "deadline-passed": 504}
PROBLEM = "application/problem+json"
TIMEOUT_S = 120


def end_of(answer: httpx.Response, size: tuple[int, int]) -> int:
    """Return the status of an answer to a photo of ``size``; raises AssertionError for a wrong one."""
    if answer.status_code == httpx.codes.OK:
        assert Image.open(io.BytesIO(answer.content)).size == size
    else:
        assert answer.headers["content-type"] == PROBLEM
        code = answer.json()["type"].rpartition(":")[2]
        assert EXCUSES.get(code) == answer.status_code, answer.text
    return answer.status_code


class InFlight:
    """Photos of different sizes, sent at once; the first is answered and most are not."""

    def __init__(self, client: httpx.Client, pool: ThreadPoolExecutor, count: int) -> None:
        # Large enough that the worker, and not their sending, takes the time.
        self._sizes = [(900 + number, 600) for number in range(count)]
        # Made before the first is sent, for making them takes as long as compressing them.
        files = [file_of(photo(*size), "JPEG", quality=90) for size in self._sizes]
        self._answers: list[Future[httpx.Response]] = [
            pool.submit(client.post, "/compress", content=file) for file in files
        ]
        wait_for(lambda: self.waiting < count)

    @property
    def waiting(self) -> int:
        """How many have no answer yet."""
        return sum(not answer.done() for answer in self._answers)

    def ends(self) -> Counter[int]:
        """Return how all of them ended, once they have."""
        pairs = zip(self._answers, self._sizes, strict=True)
        return Counter(end_of(answer.result(TIMEOUT_S), size) for answer, size in pairs)


@contextmanager
def in_flight(url: str, count: int) -> Iterator[InFlight]:
    """Send ``count`` photos, and go on when the first is answered."""
    limits = httpx.Limits(max_connections=count)
    with (
        httpx.Client(base_url=url, timeout=TIMEOUT_S, limits=limits) as client,
        ThreadPoolExecutor(count) as pool,
    ):
        yield InFlight(client, pool, count)
