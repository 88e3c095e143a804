"""The cost of decode, predict and encode without a server, and of mozjpeg's encode.

``python -m bench.service.servers.alone FILE...`` reads a number of seconds from each line of its
input. It measures for so long and prints a line of JSON: milliseconds per image with one photo at a
time on one thread (``single``), and in batches on all cores (``batch``).
"""

import itertools
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.service.servers.compressor import MAX_BATCH_SIZE, OPTIONS_VARIABLE, Compressor
from bench.service.servers.journal import Batch, summarize_batches
from bench.service.servers.mozjpeg_alone import measure_mozjpeg


def main() -> None:
    """Measure and print for each line of the input."""
    uploads = [Path(name).read_bytes() for name in sys.argv[1:]]
    batches: list[Batch] = []
    single, batched = (
        Compressor(threads=1, record=batches.append),
        Compressor(record=batches.append),
    )
    batch = [uploads[number % len(uploads)] for number in range(MAX_BATCH_SIZE)]
    photos = itertools.cycle(uploads)

    def compress_one() -> int:
        return len(single.compress([next(photos)]))

    works: dict[str, Callable[[], int]] = {
        "single": compress_one,
        "batch": lambda: len(batched.compress(batch)),
    }
    for line in sys.stdin:
        seconds = float(line)
        found: dict[str, Any] = {}
        for kind, work in works.items():
            batches.clear()
            times = time_per_image(work, seconds)
            # The first batch was the warm-up.
            found[kind] = {**times, "stage_ms": summarize_batches(batches[1:])["stage_ms"]}
        found["mozjpeg"] = measure_mozjpeg(uploads, os.environ.get(OPTIONS_VARIABLE, ""), seconds)
        print(json.dumps(found), flush=True)


def time_per_image(work: Callable[[], int], seconds: float) -> dict[str, float]:
    """Return CPU time and time per image in ms; ``work`` returns the number of its images."""
    work()
    started_s, cpu_before_s, images = time.perf_counter(), time.process_time(), 0
    while (elapsed_s := time.perf_counter() - started_s) < seconds:
        images += work()
    return {
        "cpu_ms": 1e3 * (time.process_time() - cpu_before_s) / images,
        "elapsed_ms": 1e3 * elapsed_s / images,
    }


if __name__ == "__main__":
    main()
