"""How the service scales: measured over numbers of processes, and simulated up to 200 workers.

The measured part needs minutes of a quiet machine. ``--measured`` takes it from an earlier result, so
that the simulation alone runs again.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from bench.datasets.uploads import list_uploads, load_photos, to_jpeg
from bench.environment import PACKAGES, ROOT, describe_machine, find_data, write_result
from bench.load.closed_loop import HttpError
from bench.load.service_process import ServiceError, started_service
from bench.load.statistics import rounded
from bench.scale.cluster import started_cluster
from bench.scale.forecast import forecast
from bench.scale.throughput import (
    Spans,
    divide_costs,
    find_limits,
    find_linearity,
    measure_grid,
    measure_polling,
    measure_sizes,
)
from bench.scale.traces import WORKERS, measure_workers
from bench.service.sizing import Size, make_photo

SERVICES_S: Final = (0.1, 0.0)
TRACED_SERVICE_S: Final = SERVICES_S[0]
SIZES_PX: Final[tuple[Size, ...]] = ((768, 512), (2048, 1536), (4000, 3000))
PHOTOS_OF_EACH: Final = 3
SIZES_WORKERS: Final = 2
POLLING_WORKERS: Final = 8
START: Final = ROOT / "bench" / "results" / "start.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the benchmark's options."""
    parser.add_argument(
        "--images", type=Path, default=find_data() / "kodak", help="folder of photos (%(default)s)"
    )
    parser.add_argument(
        "--workers",
        type=parse_count,
        nargs="+",
        default=[1, 2, 4, 8],
        metavar="N",
        help="numbers of worker processes (default: 1 2 4 8)",
    )
    parser.add_argument(
        "--front-ends",
        type=parse_count,
        nargs="+",
        default=[1, 2],
        metavar="N",
        help="numbers of front ends (default: 1 2)",
    )
    parser.add_argument(
        "--service",
        type=parse_time,
        nargs="+",
        default=list(SERVICES_S),
        metavar="S",
        help="seconds that a photo takes a worker without CPU time (default: 0.1 0)",
    )
    parser.add_argument(
        "--seconds", type=parse_time, default=3.0, help="of each throughput (%(default)s)"
    )
    parser.add_argument(
        "--warm-up", type=parse_time, default=2.0, help="seconds before each (%(default)s)"
    )
    parser.add_argument(
        "--trace-seconds", type=parse_time, default=20.0, help="of each open loop (%(default)s)"
    )
    parser.add_argument(
        "--measured", type=Path, metavar="FILE", help="simulate from this result; measure nothing"
    )
    parser.add_argument(
        "--start",
        type=Path,
        default=START,
        help="result of `bench start`, for the time of a cold start (the committed one)",
    )
    parser.add_argument("--out", type=Path, help="JSON file to write")


def parse_count(text: str) -> int:
    """Return a whole number above 0.

    Raises:
        argparse.ArgumentTypeError: when ``text`` is none.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("must be a whole number above 0")
    return int(text)


def parse_time(text: str) -> float:
    """Return seconds from 0 to an hour.

    Raises:
        argparse.ArgumentTypeError: when ``text`` is something else.
    """
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 3600:
        raise argparse.ArgumentTypeError("must be seconds from 0 to 3600")
    return seconds


def run(args: argparse.Namespace) -> int:
    """Run the benchmark; return 1 if the service does not start, 2 if a result can't be read."""
    try:
        start = read_result(args.start, "summary")["summary"]
        earlier = read_result(args.measured, "measured") if args.measured else None
    except ValueError as error:
        print(f"bench scale: {error}", file=sys.stderr)
        return 2
    report: dict[str, Any] = {"meta": describe_machine((*PACKAGES, "simpy"))}
    try:
        # A simulation from the file must be that from the measurements, so round them first.
        report["measured"] = rounded(
            earlier["measured"] if earlier else {"meta": report["meta"], **measure(args)}
        )
    except (ServiceError, HttpError) as error:
        print(f"bench scale: {error}", file=sys.stderr)
        return 1
    # The simulation takes minutes as well, and its end should not lose the measurements.
    write_result(args.out, report, indent=1)
    starts_s = {name: own["ready_s"] for name, own in start.items()}
    report["simulated"] = rounded(forecast(report["measured"], starts_s))
    print(json.dumps(report["simulated"]["validation"], indent=2))
    write_result(args.out, report, indent=1)
    return 0


def read_result(path: Path, key: str) -> dict[str, Any]:
    """Return a result file that has ``key``.

    Raises:
        ValueError: it can't be read, or has no such key.
    """
    try:
        result = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} can't be read: {error}") from error
    if not isinstance(result, dict) or key not in result:
        raise ValueError(f'{path} has no "{key}"')
    return result


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Return all measurements.

    Raises:
        ServiceError: the processes do not get ready, or a photo gets no JPEG.
        HttpError: this process could not send all requests.
    """
    photos, described = load_photos(args.images, "jpeg")
    spans = Spans(args.warm_up, args.seconds)
    front_ends = max(args.front_ends)
    cells = measure_grid(photos, args.service, args.workers, args.front_ends, spans)
    sizes = measure_sizes(make_sizes(args.images), SIZES_WORKERS, front_ends, spans)
    return {
        "photos": described,
        "seconds": args.seconds,
        "warm_up_s": args.warm_up,
        "trace_seconds": args.trace_seconds,
        "cells": cells,
        "linearity": find_linearity(cells),
        "sizes": sizes,
        "costs": divide_costs(sizes),
        "limits": find_limits(sizes),
        "polling": measure_polling(photos, POLLING_WORKERS, spans),
        "traces": measure_traces(photos, args.trace_seconds),
    }


def make_sizes(images: Path) -> dict[str, Sequence[bytes]]:
    """Return photos of each size, made of those in a folder."""
    paths = list_uploads(images)
    return {
        f"{width_px}×{height_px}": [
            to_jpeg(make_photo(paths, width_px, height_px, seed)) for seed in range(PHOTOS_OF_EACH)
        ]
        for width_px, height_px in SIZES_PX
    }


def measure_traces(photos: Sequence[bytes], seconds: float) -> dict[str, Any]:
    """Return the traces of two workers that sleep, and of two real ones.

    Raises:
        ServiceError: the processes do not get ready, or a photo gets no JPEG.
    """
    with started_cluster(1, TRACED_SERVICE_S) as cluster:
        cluster.add_workers(WORKERS)
        sleeping = measure_workers(cluster.urls[0], photos, partial(cluster.cpu_s, 1), seconds)
    with started_service(WORKERS) as (url, processes):
        return {
            "sleeping": sleeping,
            "real": measure_workers(url, photos, processes.cpu_s, seconds),
        }
