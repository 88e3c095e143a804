"""Open-loop HTTP load: requests start when they are due, whether or not earlier ones have a response.

Clients of a closed loop send less while the service is slow, so their percentiles lack the requests
that would have waited ("coordinated omission"). Here latency counts from the time a request was due
and includes all waiting, also in this process.

Arrivals are a Poisson process, like those of independent users: they come in bursts, which evenly
spaced requests would not show. The number of arrivals is fixed to the given rate. Their times are
then uniform and independent (Kingman, "Poisson Processes", 1993, section 2.4).
"""

import itertools
import random
import time
from collections import Counter, deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Thread
from typing import Any, Final

from bench.load.closed_loop import Connection, HttpError, Sample, send
from bench.load.service_process import Processes
from bench.load.statistics import percentile, summarize
from bench.load.window import Window

SHARES: Final = (0.5, 0.8, 1.2)
"""Rates as shares of the closed loop's throughput: half of it, near the limit, and above it."""
# Above the default MAX_PENDING of a front end, so that its 429 is the limit and not this number.
MAX_CONNECTIONS: Final = 600
# Front ends close idle connections after 5 s. Close them earlier, or a request may fail.
IDLE_S: Final = 2.0
# Time until the first request, for the sending thread to start.
LEAD_S: Final = 0.2
# If the 99th percentile of lateness exceeds this, this process is the limit, not the service.
LATE_MS: Final = 50.0
REFUSALS: Final = ("429", "503", "504")


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request with its due and sending times (monotonic); latency counts from `due_s`."""

    due_s: float
    sent_s: float
    sample: Sample


class OpenLoad:
    """Sends ``photos`` to ``url`` + ``target`` at given times over at most ``connections``."""

    def __init__(
        self,
        url: str,
        target: str,
        photos: Sequence[bytes],
        *,
        connections: int = MAX_CONNECTIONS,
        seed: int = 0,
    ) -> None:
        self._url = url
        self._target = target
        self._order = list(photos)
        random.Random(seed).shuffle(self._order)
        self._connections = connections
        # Last in, first out: surplus connections stay idle and are closed.
        self._idle: deque[tuple[Connection, float]] = deque()
        self._thread: Thread | None = None
        # Appending to a list is atomic in CPython.
        self.arrivals: list[Arrival] = []

    def start(self, due_s: Sequence[float]) -> None:
        """Start sending; ``due_s`` are ascending times on the monotonic clock."""
        self._thread = Thread(target=self._run, args=(due_s,), daemon=True, name="arrivals")
        self._thread.start()

    def join(self) -> None:
        """Wait until the last request has its response."""
        if self._thread is not None:
            self._thread.join()
        while self._idle:
            self._idle.pop()[0].close()

    def _run(self, due_s: Sequence[float]) -> None:
        # The pool starts a thread only when no other one is free.
        with ThreadPoolExecutor(self._connections) as senders:
            for due, photo in zip(due_s, itertools.cycle(self._order), strict=False):
                time.sleep(max(0.0, due - time.monotonic()))
                senders.submit(self._send, due, photo)

    def _send(self, due_s: float, photo: bytes) -> None:
        connection = self._get_connection()
        sent_s = time.monotonic()
        sample = send(connection, self._target, photo)
        self.arrivals.append(
            Arrival(due_s, sent_s, replace(sample, elapsed_ms=1e3 * (sample.ended_s - due_s)))
        )
        self._idle.append((connection, sample.ended_s))

    def _get_connection(self) -> Connection:
        try:
            connection, used_s = self._idle.pop()
        except IndexError:
            return Connection(self._url)
        if time.monotonic() - used_s > IDLE_S:
            connection.close()  # the next request opens it again
        return connection


def poisson_arrivals(per_s: float, seconds: float, seed: int) -> list[float]:
    """Return ``per_s`` × ``seconds`` arrival times of a Poisson process in seconds from its start."""
    generator = random.Random(seed)
    return sorted(generator.uniform(0.0, seconds) for _ in range(max(1, round(per_s * seconds))))


def measure_rate(
    load: OpenLoad,
    window: Window,
    per_s: float,
    *,
    seconds: float,
    warm_up_s: float,
) -> dict[str, Any]:
    """Return the figures of one rate: of all requests that are due in the window after a warm-up.

    It waits for all their responses: requests in flight at the end of the window wait longest.

    Raises:
        HttpError: this process could not send all requests.
    """
    opens_s = time.monotonic() + LEAD_S + warm_up_s
    before = poisson_arrivals(per_s, warm_up_s, seed=1) if warm_up_s else []
    within = poisson_arrivals(per_s, seconds, seed=2)
    load.start([opens_s + due for due in (*(due - warm_up_s for due in before), *within)])
    time.sleep(max(0.0, opens_s - time.monotonic()))
    with window.measured():
        time.sleep(max(0.0, opens_s + seconds - time.monotonic()))
    load.join()
    if len(load.arrivals) < len(before) + len(within):
        raise HttpError("requests were not sent: the system allows too few threads or open files")
    counted = [arrival for arrival in load.arrivals if arrival.due_s >= opens_s]
    ended = window.ended_within([arrival.sample for arrival in load.arrivals])
    images = sum(sample.status == 200 for sample in ended)
    return {
        "offered_images_per_s": len(counted) / seconds,
        "images_per_s": images / (window.ended_s - window.started_s),
        **describe_arrivals(counted, seconds),
        **window.figures(images),
    }


def describe_arrivals(arrivals: Sequence[Arrival], seconds: float) -> dict[str, Any]:
    """Return latency, stages and errors of requests, and how late they were sent."""
    figures = summarize([arrival.sample for arrival in arrivals], seconds)
    late_ms = [1e3 * (arrival.sent_s - arrival.due_s) for arrival in arrivals]
    sent_late_ms = {
        "p50": percentile(late_ms, 0.5),
        "p99": percentile(late_ms, 0.99),
        "max": max(late_ms),
    }
    kept = ("p50_ms", "p95_ms", "p99_ms", "errors", "stage_ms")
    return {
        "requests": len(arrivals),
        **{name: figures[name] for name in kept if name in figures},
        "sent_late_ms": sent_late_ms,
        "kept_up": sent_late_ms["p99"] <= LATE_MS,
    }


def measure_open_loop(
    url: str,
    target: str,
    photos: Sequence[bytes],
    rates_per_s: Sequence[float] | None,
    *,
    closed_per_s: float,
    seconds: float,
    warm_up_s: float,
    processes: Processes | None,
) -> dict[str, Any]:
    """Return the figures of each rate; None means `SHARES` of the closed loop's ``closed_per_s``."""
    if rates_per_s is None:
        rates_per_s = [share * closed_per_s for share in SHARES]
    return {
        "arrivals": "poisson",
        "seconds": seconds,
        "closed_loop_images_per_s": closed_per_s,
        "max_connections": MAX_CONNECTIONS,
        "rates": [
            {
                "share_of_closed_loop": per_s / closed_per_s if closed_per_s else None,
                **measure_rate(
                    OpenLoad(url, target, photos),
                    Window(url, processes),
                    per_s,
                    seconds=seconds,
                    warm_up_s=warm_up_s,
                ),
            }
            for per_s in rates_per_s
        ],
    }


def count_unexpected_errors(open_loop: dict[str, Any]) -> dict[str, int]:
    """Return the number of unexpected errors by status.

    A refusal is expected only at a rate above the closed loop's throughput.
    """
    found: Counter[str] = Counter()
    for figures in open_loop["rates"]:
        above = figures["offered_images_per_s"] > open_loop["closed_loop_images_per_s"]
        for status, count in figures["errors"].items():
            if not (above and status in REFUSALS):
                found[status] += count
    return dict(found)
