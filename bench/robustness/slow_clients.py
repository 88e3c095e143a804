"""Throughput of normal clients with and without slow clients, which send a byte at a time.

Short rounds without and with slow clients alternate. Neighbouring rounds are compared, so that noise
of the machine affects both. Rates are corrected for steal (CPU time that the host gives to others),
not for the CPU time of sending slowly. A disconnected slow client reconnects at once, as an attacker
would.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from bench.datasets.uploads import load_photos
from bench.environment import describe_machine, find_data, write_result
from bench.load.closed_loop import DEFAULT_OPTIONS, MAIN_CLIENTS, Load
from bench.load.service_process import Processes, Steal, started_service
from bench.load.statistics import rounded, summarize

HEADS: Final = {
    "body": b"POST /compress HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n",
    "head": b"POST /compress HTTP/1.1\r\nHost: x\r\nX-Slow: ",
}

ORDER: Final = ("without", "with", "with", "without")
MEASURED_WITH: Final = ("options", "slow", "clients", "interval", "seconds", "rounds")


class SlowClients:
    """Slow connections in a separate thread: half send the head slowly, half the body."""

    def __init__(self, url: str, count: int, interval_s: float) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname, parts.port)
        self._count = count
        self._interval_s = interval_s
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.events: Counter[str] = Counter()

    def _run(self) -> None:
        self._loop.run_until_complete(self._drip_all())
        self._loop.close()

    async def _drip_all(self) -> None:
        kinds = itertools.islice(itertools.cycle(HEADS), self._count)
        self._tasks = [asyncio.ensure_future(self._drip(kind)) for kind in kinds]
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _drip(self, kind: str) -> None:
        while True:
            try:
                reader, writer = await asyncio.open_connection(*self._address)
            except OSError:
                self.events["refused"] += 1
                await asyncio.sleep(self._interval_s)
                continue
            self.events[f"{kind} connections"] += 1
            try:
                writer.write(HEADS[kind])
                while not reader.at_eof():
                    writer.write(b"a")
                    await writer.drain()
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(self._interval_s):
                            received = await reader.read(65536)
                            self.events[received[9:12].decode("latin-1") or "closed"] += 1
            except OSError:
                self.events["closed"] += 1
            finally:
                writer.close()

    def start(self) -> None:
        """Start connecting and sending."""
        self._thread.start()

    def stop(self) -> None:
        """Close all connections."""
        for task in self._tasks:
            self._loop.call_soon_threadsafe(task.cancel)
        self._thread.join(10)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the benchmark's options."""
    parser.add_argument(
        "--images", type=Path, default=find_data() / "kodak", help="folder of photos (%(default)s)"
    )
    parser.add_argument("--slow", type=int, default=200, help="slow connections (%(default)s)")
    parser.add_argument(
        "--clients", type=int, default=MAIN_CLIENTS, help="normal clients (%(default)s)"
    )
    parser.add_argument(
        "--interval", type=float, default=0.2, help="seconds between two bytes (%(default)s)"
    )
    parser.add_argument("--seconds", type=float, default=6.0, help="of each round (%(default)s)")
    parser.add_argument("--rounds", type=int, default=10, help="rounds of each kind (%(default)s)")
    parser.add_argument(
        "--options", default=DEFAULT_OPTIONS, help="query of /compress (%(default)s)"
    )
    parser.add_argument("--out", type=Path, help="JSON file to write")


def run(args: argparse.Namespace) -> int:
    """Run the benchmark; return the exit code."""
    photos, described = load_photos(args.images, "jpeg")
    events: Counter[str] = Counter()
    rounds: dict[str, list[dict[str, Any]]] = {"without": [], "with": []}
    with started_service() as (url, processes):
        load = Load(url, f"/compress?{args.options}", photos, args.clients)
        load.start()
        try:
            time.sleep(5.0)
            # Without, with, with, without: drift affects both kinds equally.
            for kind in itertools.islice(itertools.cycle(ORDER), 2 * args.rounds):
                slow = args.slow if kind == "with" else 0
                with slow_connections(url, slow, args.interval, events):
                    time.sleep(2.0)
                    rounds[kind].append(measure(load, processes, args.seconds))
        finally:
            load.stop()
        peak = processes.peak_rss_bytes()
    shares = [
        correct_for_steal(slow) / correct_for_steal(normal)
        for normal, slow in zip(rounds["without"], rounds["with"], strict=True)
    ]
    report = {
        "meta": {
            **describe_machine(),
            "photos": described,
            **{name: getattr(args, name) for name in MEASURED_WITH},
        },
        "images_per_s": {
            kind: statistics.median(one["images_per_s"] for one in measured)
            for kind, measured in rounds.items()
        },
        "loss": 1 - statistics.median(shares),
        "losses": [1 - share for share in shares],
        "slow_clients": dict(events),
        "peak_rss_bytes": peak,
        "rounds": rounds,
    }
    print(json.dumps(rounded({name: report[name] for name in report if name != "meta"}), indent=2))
    write_result(args.out, rounded(report))
    return 0


@contextmanager
def slow_connections(
    url: str, count: int, interval_s: float, events: Counter[str]
) -> Iterator[None]:
    """Keep ``count`` slow connections open; count their events in ``events``."""
    if not count:
        yield
        return
    slow = SlowClients(url, count, interval_s)
    slow.start()
    try:
        yield
    finally:
        slow.stop()
        events.update(slow.events)


def measure(load: Load, processes: Processes, seconds: float) -> dict[str, Any]:
    """Return the normal clients' figures over `seconds`."""
    cpu_before, steal, started_s = processes.cpu_s(), Steal(), time.monotonic()
    time.sleep(seconds)
    ended_s, stolen, cpu_after = time.monotonic(), steal.share(), processes.cpu_s()
    samples = [sample for sample in load.samples if started_s <= sample.ended_s < ended_s]
    figures = summarize(samples, ended_s - started_s)
    kept = {name: figures.get(name) for name in ("images_per_s", "p50_ms", "p99_ms", "errors")}
    kept["steal"] = stolen
    kept["cpu_s"] = {role: cpu_after[role] - cpu_before[role] for role in cpu_after}
    return kept


def correct_for_steal(figures: dict[str, Any]) -> float:
    """Return the images/s of a round, corrected for steal."""
    return float(figures["images_per_s"]) / (1 - float(figures["steal"]))
