"""Throughput and memory beside clients that send or read nothing, in each state of a request.

For each state many connections send the beginning of a request and then nothing, and never read.
One that the service closes connects again at once, as an attacker would.
"""

import argparse
import contextlib
import io
import json
import select
import socket
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import numpy as np
from PIL import Image

from bench.datasets.uploads import load_photos
from bench.environment import describe_machine, find_data, write_result
from bench.load.closed_loop import DEFAULT_OPTIONS, MAIN_CLIENTS, Load
from bench.load.service_process import started_service
from bench.load.statistics import rounded
from bench.robustness.slow_clients import measure

POST: Final = b"POST /compress HTTP/1.1\r\nHost: x\r\n"
CHUNKED: Final = POST + b"Transfer-Encoding: chunked\r\n\r\n"
# Large, and not sent by a photo's route: the bundle of the API's description.
FILE: Final = b"GET /docs/assets/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n"
LARGE_OPTIONS: Final = "quality=95&subsampling=444"
CHECK_INTERVAL_S: Final = 0.1
MEASURED_WITH: Final = ("options", "silent", "clients", "seconds")


def list_states(photo: bytes, small_of_large: bytes, picture_path: str) -> dict[str, bytes]:
    """Return what a client sends before it falls silent, by state.

    ``small_of_large`` is an upload with a large result, which is cached; ``picture_path`` is the
    path of a job's large picture.
    """
    part = photo[: len(photo) // 2]
    large = POST.replace(b"/compress", b"/compress?" + LARGE_OPTIONS.encode())
    chunk = b"%x\r\n" % len(photo) + photo
    whole = b"Content-Length: %d\r\n\r\n"
    return {
        "connected": b"",
        "head": POST + b"X-Silent: ",
        "expecting": POST + b"Expect: 100-continue\r\n" + whole % 10_000_000,
        "body": POST + whole % 10_000_000 + part,
        "body not read": POST.replace(b"/compress", b"/livez") + whole % 10_000_000 + part,
        "chunk": CHUNKED + chunk[: len(part)],
        "trailer": CHUNKED + chunk + b"\r\n0\r\nX-Silent: ",
        "waiting": POST + whole % len(photo) + photo,
        "reading": large + whole % len(small_of_large) + small_of_large,
        "reading a job's picture": b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % picture_path.encode(),
        "reading files": 20 * FILE,
        "idle": b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n",
    }


class SilentClients:
    """``count`` connections that send ``start`` and then nothing, from a thread of their own."""

    def __init__(self, url: str, start: bytes, count: int) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname, parts.port)
        self._start = start
        self._count = count
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.connected = threading.Event()
        self.events: Counter[str] = Counter()

    def start(self) -> None:
        """Connect."""
        self._thread.start()

    def stop(self) -> None:
        """Close all connections."""
        self._stop.set()
        self._thread.join(30)

    def _run(self) -> None:
        poller = select.poll()
        open_connections: dict[int, socket.socket] = {}
        try:
            while not self._stop.is_set():
                while len(open_connections) < self._count and not self._stop.is_set():
                    connection = self._connect()
                    open_connections[connection.fileno()] = connection
                    poller.register(connection, select.POLLRDHUP)
                self.connected.set()
                self._stop.wait(CHECK_INTERVAL_S)
                for number, _ in poller.poll(0):
                    poller.unregister(number)
                    open_connections.pop(number).close()
                    self.events["closed by the service"] += 1
        finally:
            for connection in open_connections.values():
                connection.close()

    def _connect(self) -> socket.socket:
        connection = socket.socket()
        # Little of a response fits into the buffers; the rest waits in the service.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(5.0)
        with contextlib.suppress(OSError):  # refused, or closed while it sends
            connection.connect(self._address)
            connection.sendall(self._start)
        self.events["connections"] += 1
        return connection


def create_small_of_large(height_px: int) -> bytes:
    """Return a PNG of some kilobytes whose JPEG has about 0.2 bytes for each of 256×height pixels.

    Its noise repeats within the reach of PNG's compression.
    """
    tile = np.random.default_rng(0).integers(0, 256, (32, 256, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(np.tile(tile, (height_px // 32, 1, 1))).save(file, "PNG")
    return file.getvalue()


def create_picture(url: str, small_of_large: bytes) -> dict[str, Any]:
    """Return the job of an upload's result, which is in the cache from now on."""
    response = httpx.post(
        f"{url}/compress?{LARGE_OPTIONS}",
        content=small_of_large,
        headers={"Accept": "application/json"},
        timeout=120,
    )
    job: dict[str, Any] = response.raise_for_status().json()
    return job


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the benchmark's options."""
    parser.add_argument(
        "--images", type=Path, default=find_data() / "kodak", help="folder of photos (%(default)s)"
    )
    parser.add_argument("--silent", type=int, default=500, help="silent clients (%(default)s)")
    parser.add_argument(
        "--clients", type=int, default=MAIN_CLIENTS, help="normal clients (%(default)s)"
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="in each state (%(default)s)")
    parser.add_argument(
        "--options", default=DEFAULT_OPTIONS, help="query of /compress (%(default)s)"
    )
    parser.add_argument("--out", type=Path, help="JSON file to write")


def run(args: argparse.Namespace) -> int:
    """Run the benchmark; return the exit code, 1 if a normal client got an error."""
    photos, described = load_photos(args.images, "jpeg")
    states: dict[str, dict[str, Any]] = {}
    small = create_small_of_large(38_400)
    with started_service() as (url, processes):
        picture = create_picture(url, small)
        load = Load(url, f"/compress?{args.options}", photos, args.clients)
        load.start()
        try:
            time.sleep(5.0)
            states["none"] = measure(load, processes, args.seconds)
            for state in list_states(b"", b"", ""):
                picture = create_picture(url, small)  # the last one may expire
                starts = list_states(photos[0], small, picture["links"]["image"])
                silent = SilentClients(url, starts[state], args.silent)
                silent.start()
                silent.connected.wait(60)
                time.sleep(2.0)  # until they count as silent (STALL_S in app/service/admission.py)
                states[state] = measure(load, processes, args.seconds)
                silent.stop()
                states[state]["events"] = dict(silent.events)
                states[state]["peak_rss_bytes"] = processes.peak_rss_bytes()["app"]
        finally:
            load.stop()
    report = {
        "meta": {
            **describe_machine(),
            "photos": described,
            "picture_bytes": picture["result"]["compressed_bytes"],
            **{name: getattr(args, name) for name in MEASURED_WITH},
        },
        "states": states,
        "peak_rss_bytes": max(one.get("peak_rss_bytes", 0) for one in states.values()),
    }
    print(json.dumps(rounded({name: report[name] for name in report if name != "meta"}), indent=2))
    write_result(args.out, rounded(report))
    return int(any(one["errors"] for one in states.values()))
