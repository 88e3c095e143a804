"""The cost of the stages without a server, of mozjpeg, and of the network.

``python -m bench.service.servers.alone FILE...`` reads a number of seconds from each line of its
input. It measures for so long and prints a line of JSON: milliseconds per image with one photo at a
time on one thread (``single``), and in batches on all cores (``batch``); of decoding and mozjpeg on
one thread (``mozjpeg``); and of the network (``network``).
"""

import itertools
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bench.load.closed_loop import SERVICE_DEFAULTS, name_query
from bench.service.servers.compressor import MAX_BATCH_SIZE, OPTIONS_VARIABLE, Compressor
from bench.service.servers.journal import Batch, summarize_batches
from bench.service.servers.mozjpeg_alone import load_mozjpeg
from bench.service.servers.networks_alone import load_networks


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

    measure_networks = load_networks(uploads)
    query = os.environ.get(OPTIONS_VARIABLE, "")
    mozjpeg = {name_query(one): load_mozjpeg(one) for one in (SERVICE_DEFAULTS, query)}
    works: dict[str, Callable[[], list[bytes]]] = {
        "single": lambda: single.compress([next(photos)]),
        "batch": lambda: batched.compress(batch),
    }
    for line in sys.stdin:
        seconds = float(line)
        found: dict[str, Any] = {}
        for kind, work in works.items():
            batches.clear()
            times = time_per_image(work, seconds)
            # The first batch was the warm-up.
            found[kind] = {**times, "stage_ms": summarize_batches(batches[1:])["stage_ms"]}
        found["mozjpeg"] = {
            name: time_per_image(partial(compress_next, compress, photos), seconds)
            for name, compress in mozjpeg.items()
            if compress is not None
        }
        found["network"] = measure_networks(seconds)
        print(json.dumps(found), flush=True)


def compress_next(compress: Callable[[bytes], bytes], photos: Iterator[bytes]) -> list[bytes]:
    """Return the file of the next photo."""
    return [compress(next(photos))]


def time_per_image(work: Callable[[], Sequence[bytes]], seconds: float) -> dict[str, float]:
    """Return means of CPU time, time and bytes per image, and the median time (``p50_ms``).

    ``work`` returns the files of one or more images. A first call warms up and does not count.
    """
    work()
    files_bytes: list[int] = []
    times_ms: list[float] = []
    started_s, cpu_before_s = time.perf_counter(), time.process_time()
    elapsed_s = 0.0
    while elapsed_s < seconds:
        before_s = elapsed_s
        files = work()
        elapsed_s = time.perf_counter() - started_s
        files_bytes += map(len, files)
        times_ms.append(1e3 * (elapsed_s - before_s) / len(files))
    images = len(files_bytes)
    return {
        "cpu_ms": 1e3 * (time.process_time() - cpu_before_s) / images,
        "elapsed_ms": 1e3 * elapsed_s / images,
        "p50_ms": statistics.median(times_ms),
        "mean_bytes": statistics.fmean(files_bytes),
    }


if __name__ == "__main__":
    main()
