"""mozjpeg alone, from pixels to its file: a lower bound for the cost of encoding a photo.

libvips runs it as in ``bench rd`` (trellis, deringing, optimal tables), with the request's quality
and scans. Its files are not of the same size as Foveate's.
"""

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice

from bench.encoders import MOZJPEG_TABLES, decode, find_missing, prepare_mozjpeg
from bench.service.servers.compressor import MAX_BATCH_SIZE, parse_settings


def measure_mozjpeg(
    uploads: Sequence[bytes], query: str, seconds: float
) -> dict[str, dict[str, float]] | None:
    """Return ms per image, on one thread (``single``) and on all cores (``batch``).

    None if libvips is missing. ``query`` is a query of ``/compress``. Decoding does not count.
    """
    # One thread for each file. libvips reads this when it is loaded.
    os.environ["VIPS_CONCURRENCY"] = "1"
    if find_missing(["mozjpeg"]):
        return None
    return {
        "single": measure_threads(uploads, query, seconds, threads=1),
        "batch": measure_threads(uploads, query, seconds, threads=os.cpu_count() or 1),
    }


def measure_threads(
    uploads: Sequence[bytes], query: str, seconds: float, *, threads: int
) -> dict[str, float]:
    """Return CPU time and time per image in ms, and the mean file's bytes."""
    settings = parse_settings(query)
    photos = cycle(uploads)
    images, elapsed_s, cpu_s, file_bytes = 0, 0.0, 0.0, 0
    with ThreadPoolExecutor(threads) as pool:
        while elapsed_s < seconds:
            writers = [
                prepare_mozjpeg(
                    decode(upload), MOZJPEG_TABLES["mozjpeg"], progressive=settings.progressive
                )
                for upload in islice(photos, MAX_BATCH_SIZE)
            ]
            started_s, cpu_before_s = time.perf_counter(), time.process_time()
            files = list(pool.map(lambda write: write(settings.quality), writers))
            cpu_s += time.process_time() - cpu_before_s
            elapsed_s += time.perf_counter() - started_s
            images += len(files)
            file_bytes += sum(map(len, files))
    return {
        "cpu_ms": 1e3 * cpu_s / images,
        "elapsed_ms": 1e3 * elapsed_s / images,
        "mean_bytes": file_bytes / images,
    }
