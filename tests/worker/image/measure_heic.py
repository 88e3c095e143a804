"""``python -m tests.worker.image.measure_heic``: time of 12 megapixels of HEIC on one core."""

import json
import os
import resource
import struct
import time

import numpy as np

from contract.messages import Options
from tests.contract.image_headers.heif_files import HeifItem, heif_file
from tests.heic_files import code, heic_of
from tests.photos import photo
from worker.image.confined.decoder import DECODER
from worker.image.decode import decode

WIDTH_PX, HEIGHT_PX, TILE_PX = 4032, 3024, 512
MAX_PIXELS = 50_000_000
RUNS = 5


def make_photos() -> dict[str, bytes]:
    """Return files as phones and cameras make them: in tiles, and in one piece of 10 bits."""
    rows, columns = -(-HEIGHT_PX // TILE_PX), -(-WIDTH_PX // TILE_PX)
    pixels = photo(columns * TILE_PX, rows * TILE_PX)
    tiles = [
        code(
            np.ascontiguousarray(pixels[y : y + TILE_PX, x : x + TILE_PX]),
            chroma="420",
        )
        for y in range(0, rows * TILE_PX, TILE_PX)
        for x in range(0, columns * TILE_PX, TILE_PX)
    ]
    size_px = (WIDTH_PX, HEIGHT_PX)
    content = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, *size_px)
    parts = range(2, 2 + len(tiles))
    grid = HeifItem(b"grid", content, size_px, [tiles[0].properties[2]], parts=parts)
    deep = pixels[:HEIGHT_PX, :WIDTH_PX].astype(np.uint16) * 257
    return {
        "8 bits in tiles": heif_file([grid, *tiles], b"heic"),
        "10 bits": heic_of(deep, depth=10, chroma="420"),
    }


def measure(data: bytes) -> dict[str, float]:
    """Return figures of decoding a file: the shortest of some runs, and CPU time."""
    times_s, started_cpu_s = [], time.process_time()
    for _ in range(RUNS):
        started_s = time.perf_counter()
        decode(data, MAX_PIXELS, Options())
        times_s.append(time.perf_counter() - started_s)
    worker_cpu_s = (time.process_time() - started_cpu_s) / RUNS
    # Those of children are known after their end.
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    DECODER.close()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    children_cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "megabytes": round(len(data) / 1e6, 1),
        "shortest_s": round(min(times_s), 2),
        "worker_cpu_s": round(worker_cpu_s, 2),
        "decoder_cpu_s": round(children_cpu_s / RUNS, 2),
    }


def main() -> None:
    """Print the figures as JSON."""
    photos = make_photos()
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
    print(json.dumps({name: measure(data) for name, data in photos.items()}, indent=1))


if __name__ == "__main__":
    main()
