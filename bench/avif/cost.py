"""What one AVIF costs beside one JPEG: CPU time and memory by megapixels, and by libaom's speed.

The file holds ``meta``; ``sizes``, one photo of each size encoded by both formats at quality 75;
``speeds``, a single pass at libaom's speeds, with and without the map, on photos of 768×512 or so.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any, Final

import numpy as np

import codec
from bench.datasets.photos import find_photos
from bench.datasets.uploads import tile_photos
from bench.encode.process import reset_peak_bytes
from bench.encode.timing import central_map
from bench.encoders import decode
from bench.environment import PACKAGES, ROOT, describe_machine, read_status_bytes, write_result
from bench.metrics.full_reference import psnr
from codec.avif.libaom import read_avif, write_avif
from codec.avif.rate_guide import RateGuide
from codec.avif.tuning import choose_guide_tuning
from codec.formats import FORMATS
from codec.settings import EncodeSettings

SIZES_PX: Final = ((768, 512), (1280, 853), (2448, 1632), (4000, 3000), (6000, 4000))
SPEEDS: Final = (6, 7, 8, 9)
LEVEL: Final = 30
SALIENT_RANK: Final = 0.75


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add("--images", type=Path, required=True, help="folder of photos")
    add("--limit", type=int, default=4, help="photos for the speeds (%(default)s)")
    add("--sizes", type=int, default=len(SIZES_PX), help="number of sizes, the smallest first")
    add("--one", type=int, nargs=2, help=argparse.SUPPRESS)
    add("--out", type=Path, help="JSON file to write")


def run(args: argparse.Namespace) -> int:
    """Run the benchmark; return the exit code."""
    paths = list(find_photos(args.images, {}, None, None).values())
    if not paths:
        print(f"bench avif: no photos in {args.images.name}", file=sys.stderr)
        return 2
    if args.one:
        print(json.dumps(measure_size(paths, (args.one[0], args.one[1]))))
        return 0
    sizes = [measure_fresh(args.images, size) for size in SIZES_PX[: args.sizes]]
    report = {
        "meta": {**describe_machine(PACKAGES), "photos": len(paths[: args.limit]), "level": LEVEL},
        "sizes": sizes,
        "speeds": measure_speeds(paths[: args.limit]),
    }
    print(json.dumps({name: report[name] for name in ("sizes", "speeds")}, indent=1))
    write_result(args.out, report)
    return 0


def measure_fresh(images: Path, size_px: tuple[int, int]) -> dict[str, Any]:
    """Return `measure_size` of a new process, whose memory nothing else has used."""
    command = [sys.executable, "-m", "bench", "avif", "--images", str(images.resolve()), "--one"]
    done = subprocess.run(
        [*command, *map(str, size_px)], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def measure_size(paths: Sequence[Path], size_px: tuple[int, int]) -> dict[str, Any]:
    """Return CPU time, passes, bytes and memory of both formats for a mosaic of this size."""
    codec.warm_up()
    mosaic = np.asarray(tile_photos(paths, *size_px))
    saliency = central_map()
    pixels = mosaic.shape[0] * mosaic.shape[1]
    found: dict[str, Any] = {"megapixels": pixels / 1e6}
    for name, output_format in FORMATS.items():
        settings = EncodeSettings(target="quality", progressive=True)
        before, started_s = reset_peak_bytes(), time.process_time()
        encoded = output_format.encode(mosaic, saliency, settings)
        found[name] = {
            "ms": round(1e3 * (time.process_time() - started_s), 1),
            "passes": encoded.passes,
            "bytes_ratio": round(len(encoded.data) / encoded.reference_bytes, 3),
            "bytes_per_pixel": round(((read_status_bytes("VmHWM") or 0) - before) / pixels, 1),
        }
    found["ms_ratio"] = round(found["avif"]["ms"] / found["jpeg"]["ms"], 1)
    return found


def measure_speeds(paths: Sequence[Path]) -> dict[str, dict[str, float]]:
    """Return a pass's CPU time and what the map gains in the salient quarter, by libaom's speed.

    The gain is that of PSNR in the map's hottest quarter over the same level without a map, less that
    of the bytes, at 6 dB for each halving of the step.
    """
    tuning = choose_guide_tuning("perceptual", 0.6)
    saliency = central_map()
    rows: dict[str, dict[str, float]] = {}
    for speed in SPEEDS:
        found = []
        for path in paths:
            image = decode(path.read_bytes())
            guide = RateGuide(image, saliency, tuning).write(LEVEL, 0.0)
            files, times = [], []
            for rates in (None, guide):
                started_s = time.process_time()
                files.append(
                    write_avif(
                        image, LEVEL, rates, metric=tuning.metric, subsampled=True, speed=speed
                    )
                )
                times.append(1e3 * (time.process_time() - started_s))
            hot = scale_to(saliency, image.shape[:2])
            region = hot >= np.quantile(hot, SALIENT_RANK)
            plain, guided = (psnr(image[region], read_avif(file)[region]) for file in files)
            found.append((times[0], times[1], guided - plain, len(files[1]) / len(files[0])))
        plain_ms, guided_ms, gain, ratio = (mean(column) for column in zip(*found, strict=True))
        rows[str(speed)] = {
            "plain_ms": round(plain_ms, 1),
            "guided_ms": round(guided_ms, 1),
            "salient_psnr_gain": round(gain, 2),
            "bytes_ratio": round(ratio, 3),
        }
    return rows


def scale_to(saliency: Any, shape: tuple[int, ...]) -> Any:
    """Return the map at the photo's size, by the nearest cell."""
    rows = np.arange(shape[0]) * saliency.shape[0] // shape[0]
    columns = np.arange(shape[1]) * saliency.shape[1] // shape[1]
    return saliency[rows[:, None], columns]
