"""Time of decoding a HEIC on one core: in tiles as phones make them, and in one piece of 10 bits.

Files are written by libheif's program. A time is that from the file to upright sRGB pixels, with the
way to the confined process and back.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyvips

from bench.datasets.uploads import generate_photo
from bench.environment import describe_machine, write_result
from bench.formats.decoders import decode_ours
from bench.formats.heic_grid import add_grid
from worker.image.confined.decoder import DECODER

WRITER: Final = "heif-enc"
QUALITY: Final = 70


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the benchmark's options."""
    add = parser.add_argument
    add("--size", type=int, nargs=2, default=(4032, 3024), metavar="PX", help="(%(default)s)")
    add("--tile", type=int, default=512, metavar="PX", help="side of a tile (%(default)s)")
    add("--repeats", type=int, default=5, help="(%(default)s)")
    add("--out", type=Path, help="JSON file to write")


def run(args: argparse.Namespace) -> int:
    """Measure, print the times, write the file; return the exit code."""
    if shutil.which(WRITER) is None:
        print(f"bench heic: needs {WRITER} (Debian: libheif-examples)", file=sys.stderr)
        return 2
    machine = describe_machine(("pi-heif-decoder", "numpy"))
    load_before = os.getloadavg()[0]
    allowed = os.sched_getaffinity(0)
    with tempfile.TemporaryDirectory(prefix="foveate-") as scratch:
        width_px, height_px = args.size
        files = {
            "tiles of 8 bits": write_tiled(Path(scratch), width_px, height_px, args.tile),
            "one piece of 10 bits": write_deep(Path(scratch), width_px, height_px),
        }
        os.sched_setaffinity(0, {min(allowed)})
        times = {name: measure(path, args.repeats) for name, path in files.items()}
        os.sched_setaffinity(0, allowed)
    for name, found in times.items():
        print(
            f"{name}: {found['shortest_s']} s, median {found['median_s']} s, CPU time {found['cpu_s']} s"
        )
    machine |= {
        "size_px": [width_px, height_px],
        "quality": QUALITY,
        "repeats": args.repeats,
        "load_average": [load_before, os.getloadavg()[0]],
    }
    write_result(args.out, {"meta": machine, "times": times})
    return 0


def write_tiled(folder: Path, width_px: int, height_px: int, tile_px: int) -> Path:
    """Write a HEIC whose picture is a grid of tiles; return its path."""
    columns, rows = -(-width_px // tile_px), -(-height_px // tile_px)
    picture = generate_photo(columns * tile_px, rows * tile_px, 1)
    names = []
    for number in range(columns * rows):
        left_px, top_px = number % columns * tile_px, number // columns * tile_px
        names.append(f"{number}.png")
        box = (left_px, top_px, left_px + tile_px, top_px + tile_px)
        picture.crop(box).save(folder / names[-1], compress_level=1)
    path = encode(folder, names, 8)
    path.write_bytes(add_grid(path.read_bytes(), columns, rows, (width_px, height_px)))
    return path


def write_deep(folder: Path, width_px: int, height_px: int) -> Path:
    """Write a HEIC of one item with 10 bits; return its path."""
    values = np.asarray(generate_photo(width_px, height_px, 1)).astype(np.uint16) * 257
    image = pyvips.Image.new_from_array(values, interpretation="rgb16")
    image.pngsave(str(folder / "deep.png"), compression=1)
    return encode(folder, ["deep.png"], 10)


def encode(folder: Path, names: list[str], bits: int) -> Path:
    """Return the path of a HEIC of some PNGs."""
    path = folder / f"{bits}.heic"
    options = ["-q", str(QUALITY), "-b", str(bits), "-p", "chroma=420", "-p", "preset=fast"]
    subprocess.run(
        [WRITER, *options, "-o", path.name, *names], cwd=folder, check=True, capture_output=True
    )
    return path


def measure(path: Path, repeats: int) -> dict[str, Any]:
    """Return the times of decoding a file, and the CPU time of both processes."""
    _, start_cpu_s = decode_repeatedly(path, 1)
    times_s, cpu_s = decode_repeatedly(path, 1 + repeats)
    return {
        "bytes": path.stat().st_size,
        "shortest_s": round(min(times_s[1:]), 3),
        "median_s": round(statistics.median(times_s[1:]), 3),
        "cpu_s": round((cpu_s - start_cpu_s) / repeats, 3),
    }


def decode_repeatedly(path: Path, count: int) -> tuple[list[float], float]:
    """Return the time of each decode, and the CPU time of all, both in seconds.

    The first one starts the confined process. Its CPU time is known after its end.
    """
    cpu_s = sum(os.times()[:4])
    times_s = []
    for _ in range(count):
        started_s = time.perf_counter()
        decode_ours(path)
        times_s.append(time.perf_counter() - started_s)
    DECODER.close()
    return times_s, sum(os.times()[:4]) - cpu_s
