"""mozjpeg alone, from pixels to its file: the floor for what encoding a photo costs.

Through libvips as ``bench rd`` runs it (trellis, deringing, optimal tables), at the quality asked
for and as progressive as asked for; its files have bytes of their own.
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
    """Return ms per image, on one thread (``single``) and on as many as cores (``batch``).

    None where libvips isn't there. ``query`` is one of ``/compress``; decoding isn't counted.
    """
    # One thread for each file; libvips reads it when it is loaded.
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
