"""Clients that check each response while processes are killed and connections are cut."""

import io
import itertools
import json
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.datasets.uploads import generate_photo, to_jpeg
from bench.load.closed_loop import Connection, HttpError, Response

TARGET: Final = "/compress?quality=75&progressive=false"
PHOTOS: Final = 40
CORRUPT_SHARE: Final = 0.05
PAUSE_AFTER_BREAK_S: Final = 0.2
# Mean difference in luma. Two different generated photos differ at least three times as much.
MAX_DIFFERENCE: Final = 8.0
PROBLEM: Final = "application/problem+json"
# Errors allowed while processes are killed. None of them blames the photo.
ALLOWED_ERRORS: Final = {
    "internal-error": 500,
    "no-worker": 503,
    "queue-unavailable": 503,
    "queue-full": 429,
    "deadline-passed": 504,
}
EMPTY: Final = "an empty response"
LOST: Final = "a request hangs"
REFUSALS: Final = {"corrupt-image": 422, "unsupported-image": 415}


@dataclass(frozen=True)
class Upload:
    """One file, and the luma that its response must show; None if the file is damaged."""

    data: bytes
    luma: NDArray[np.float32] | None


def make_uploads(seed: int) -> list[Upload]:
    """Return photos that all differ in content and in size."""
    uploads = []
    for number in range(PHOTOS):
        image = generate_photo(200 + 3 * number, 160 + 2 * number, seed + number)
        uploads.append(Upload(to_jpeg(image), read_luma(image)))
    return uploads


def corrupt(upload: Upload, order: random.Random) -> Upload:
    """Return a truncated upload."""
    cut = order.randrange(300, max(301, len(upload.data) // 2))
    return Upload(upload.data[:cut], None)


def read_luma(image: Image.Image) -> NDArray[np.float32]:
    """Return a picture's luma, float32 (h, w) in [0, 255]."""
    return np.asarray(image.convert("L"), np.float32)


def find_fault(upload: Upload, response: Response) -> str | None:
    """Return what is wrong with a response; None if it is the upload's own JPEG or a clear error."""
    if not response.body:
        return EMPTY
    return (
        find_photo_fault(upload, response)
        if response.status == 200
        else find_error_fault(upload, response)
    )


def find_photo_fault(upload: Upload, response: Response) -> str | None:
    """Return how the photo of a response differs from the upload; None if it doesn't."""
    if upload.luma is None:
        return "a damaged photo was compressed"
    try:
        luma = read_luma(Image.open(io.BytesIO(response.body)))
    except OSError:
        return "the response is no image"
    if luma.shape != upload.luma.shape:
        return "the response is another photo's: its size"
    if float(np.abs(luma - upload.luma).mean()) > MAX_DIFFERENCE:
        return "the response is another photo's: its content"
    return None


def find_error_fault(upload: Upload, response: Response) -> str | None:
    """Return what is wrong with an error: no problem document, or it blames an undamaged photo."""
    if response.headers.get("content-type") != PROBLEM:
        return f"{response.status} without a problem document"
    try:
        code = json.loads(response.body)["type"].rpartition(":")[2]
    except (ValueError, KeyError, TypeError):
        return f"{response.status} with an unreadable problem document"
    allowed = ALLOWED_ERRORS if upload.luma is not None else {**ALLOWED_ERRORS, **REFUSALS}
    return None if allowed.get(code) == response.status else f"{response.status} {code}"


@dataclass
class Clients:
    """Closed-loop clients; each repeats a request whose connection broke.

    With ``uploads_each`` each client sends so many uploads, the same ones for the same seed. Without
    it, clients run until `stop`.
    """

    url: str
    count: int
    seed: int
    max_request_s: float
    uploads_each: int | None = None
    ends: Counter[str] = field(default_factory=Counter)
    damaged: Counter[str] = field(default_factory=Counter)  # statuses of damaged uploads
    faults: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    digests: dict[bytes, bytes] = field(default_factory=dict)  # of uploads and their JPEGs

    def __post_init__(self) -> None:
        self._uploads = make_uploads(self.seed)
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._run, args=(number,), daemon=True, name=f"client-{number}")
            for number in range(self.count)
        ]

    @property
    def lost(self) -> int:
        """How many requests got no response."""
        return self.faults.count(LOST)

    def start(self) -> None:
        """Start all clients."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let every client finish its request in flight; a request that hangs is a fault."""
        self._stop.set()
        self.join(2 * self.max_request_s)

    def join(self, timeout_s: float) -> None:
        """Wait until every client has ended; a client that exceeds the timeout is a fault."""
        deadline_s = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, deadline_s - time.monotonic()))
            if thread.is_alive():
                self.faults.append(LOST)

    def _run(self, number: int) -> None:
        order = random.Random(f"{self.seed}/{number}")
        # The results of every other client may be cached, and come from the cache.
        connection = Connection(self.url, cached=number % 2 == 1)
        numbers = itertools.count() if self.uploads_each is None else range(self.uploads_each)
        for _ in itertools.takewhile(lambda _: not self._stop.is_set(), numbers):
            upload = order.choice(self._uploads)
            if order.random() < CORRUPT_SHARE:
                upload = corrupt(upload, order)
            self._send(connection, upload)
        connection.close()

    def _send(self, connection: Connection, upload: Upload) -> None:
        """Send until a response arrives, and check it."""
        while True:
            started_s = time.monotonic()
            try:
                response = connection.request("POST", TARGET, upload.data)
            except HttpError:
                self._record(upload, "connection broken", time.monotonic() - started_s)
                if self._stop.is_set():
                    return
                time.sleep(PAUSE_AFTER_BREAK_S)
                continue
            fault = find_fault(upload, response) or self._find_difference(upload, response)
            self._record(upload, str(response.status), time.monotonic() - started_s, fault)
            if response.status >= 500:
                time.sleep(PAUSE_AFTER_BREAK_S)
            return

    def _find_difference(self, upload: Upload, response: Response) -> str | None:
        """Return a fault if an earlier response to the same upload had other bytes."""
        if response.status != 200:
            return None
        digest = sha256(response.body).digest()
        with self._lock:
            first = self.digests.setdefault(sha256(upload.data).digest(), digest)
        return None if digest == first else "the bytes differ from those of an earlier response"

    def _record(self, upload: Upload, end: str, elapsed_s: float, fault: str | None = None) -> None:
        with self._lock:
            self.ends[end] += 1
            if upload.luma is None:
                self.damaged[end] += 1
            self.slowest_s = max(self.slowest_s, elapsed_s)
            if fault:
                self.faults.append(fault)
            if elapsed_s > self.max_request_s:
                self.faults.append(f"a request took {elapsed_s:.0f} s")
