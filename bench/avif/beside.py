"""Latency of JPEGs beside a stream of AVIFs: one client sends JPEGs, others keep AVIFs in progress.

The file holds ``meta`` and ``rounds``: the latency of the same JPEGs without and with AVIFs, in ms, and
the AVIFs that were finished meanwhile.
"""

import argparse
import json
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

import httpx

from bench.datasets.uploads import load_photos
from bench.environment import describe_machine, write_result
from bench.load.service_process import ServiceError, started_service

TIMEOUT_S: Final = 90.0
MOST_PHOTOS: Final = 8
NO_STORE: Final = {"Cache-Control": "no-store"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add("--images", type=Path, required=True, help="folder of photos")
    add("--requests", type=int, default=60, help="JPEGs in each round (%(default)s)")
    add("--clients", type=int, nargs="+", default=[0, 2, 8], help="AVIF clients of each round")
    add("--pause-ms", type=float, default=100.0, help="between two JPEGs (%(default)s)")
    add("--workers", type=int, default=2, help="(%(default)s)")
    add("--out", type=Path, help="JSON file to write")


def run(args: argparse.Namespace) -> int:
    """Run the benchmark; return 1 if the service does not start."""
    photos, source = load_photos(args.images, "jpeg")
    photos = photos[:MOST_PHOTOS]
    try:
        with started_service(workers=args.workers) as (url, _):
            rounds = [
                {"avif_clients": clients, **measure_round(url, photos, clients, args)}
                for clients in args.clients
            ]
    except ServiceError as error:
        print(f"bench beside: {error}", file=sys.stderr)
        return 1
    print(json.dumps(rounds, indent=1))
    meta = {**describe_machine(), "workers": args.workers, "requests": args.requests}
    meta["source"] = source
    write_result(args.out, {"meta": meta, "rounds": rounds})
    return 0


def measure_round(
    url: str, photos: Sequence[bytes], clients: int, args: argparse.Namespace
) -> dict[str, Any]:
    """Return the latency of JPEGs while ``clients`` send one AVIF after another."""
    ended = threading.Event()
    finished: list[float] = []
    failed: list[int] = []

    def send_avifs(own: int) -> None:
        with httpx.Client(base_url=url, timeout=TIMEOUT_S) as client:
            number = own
            while not ended.is_set():
                elapsed_ms, status = send(client, photos[number % len(photos)], "avif")
                if status == httpx.codes.OK:
                    finished.append(elapsed_ms)
                else:
                    failed.append(status)
                number += clients

    threads = [threading.Thread(target=send_avifs, args=(own,)) for own in range(clients)]
    for thread in threads:
        thread.start()
    time.sleep(2.0 if clients else 0.0)
    started_s = time.monotonic()
    times_ms = []
    with httpx.Client(base_url=url, timeout=TIMEOUT_S) as client:
        for number in range(args.requests):
            elapsed_ms, status = send(client, photos[number % len(photos)], "jpeg")
            assert status == httpx.codes.OK
            times_ms.append(elapsed_ms)
            time.sleep(args.pause_ms / 1e3)
    seconds = time.monotonic() - started_s
    ended.set()
    for thread in threads:
        thread.join()
    return {
        "jpeg_median_ms": round(median(times_ms), 1),
        "jpeg_p95_ms": round(quantiles(times_ms, n=20)[-1], 1),
        "jpeg_max_ms": round(max(times_ms), 1),
        "avifs": len(finished),
        "avifs_failed": len(failed),
        "avif_median_ms": round(median(finished), 1) if finished else None,
        "seconds": round(seconds, 1),
    }


def send(client: httpx.Client, photo: bytes, name: str) -> tuple[float, int]:
    """Return the time of one request in ms, and its status."""
    started_s = time.perf_counter()
    response = client.post("/compress", params={"format": name}, content=photo, headers=NO_STORE)
    return 1e3 * (time.perf_counter() - started_s), response.status_code
