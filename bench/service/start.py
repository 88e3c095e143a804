"""The time until the service is ready, with an empty folder of compiled kernels and with a full one."""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench.environment import describe_machine, write_result
from bench.load.service_process import AFTER_READY_S, ServiceError, started_service
from bench.load.statistics import rounded

FIRST, LATER = "first", "later"
KEYS: Final = ("ready_s", "worker_cpu_s", "worker_peak_rss_bytes")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the benchmark's options."""
    parser.add_argument("--rounds", type=int, default=3, help="starts of each kind (%(default)s)")
    parser.add_argument("--out", type=Path, help="JSON file to write")


def run(args: argparse.Namespace) -> int:
    """Run the benchmark; return 1 if the service does not start."""
    starts: dict[str, list[dict[str, float]]] = {FIRST: [], LATER: []}
    try:
        for _ in range(args.rounds):
            with tempfile.TemporaryDirectory() as kernels:
                for kind in (FIRST, LATER):
                    starts[kind].append(measure_start(kernels))
    except ServiceError as error:
        print(f"bench start: {error}", file=sys.stderr)
        return 1
    report = {
        "meta": {**describe_machine(), "rounds": args.rounds},
        "summary": rounded(summarise(starts)),
        "starts": rounded(starts),
    }
    print(json.dumps(report["summary"], indent=2))
    write_result(args.out, report)
    return 0


def measure_start(kernels: str) -> dict[str, float]:
    """Start the service with one worker and this folder of kernels; return its figures.

    The CPU time includes that of the processes that compile.

    Raises:
        ServiceError: the service does not get ready.
    """
    started_s = time.monotonic()
    with started_service(workers=1, settings={"NUMBA_CACHE_DIR": kernels}) as (_, processes):
        ready_s = time.monotonic() - started_s - AFTER_READY_S
        (worker,) = processes.by_role()["worker"]
        return {
            "ready_s": ready_s,
            "worker_cpu_s": sum(worker.cpu_times()[:4]),  # its own and that of its children
            "worker_peak_rss_bytes": processes.peak_rss_bytes()["worker"],
        }


def summarise(starts: dict[str, list[dict[str, float]]]) -> dict[str, Any]:
    """Return the median of each figure by kind of start."""
    return {
        kind: {key: median(start[key] for start in found) for key in KEYS}
        for kind, found in starts.items()
    }
