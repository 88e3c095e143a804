"""Speed, passes and memory of the encoder alone: per photo, at 24 megapixels, on two threads.

The file holds ``meta``; ``summary``, medians over the photos at the first --quality; ``by_quality``;
``large``, one encode of 24 megapixels in a new process; ``threads``; ``first_start``; ``images``.
docs/benchmarks.md explains each.
"""

import argparse
import json
import os
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import codec
from bench.datasets.photos import find_photos
from bench.encode.process import LARGE_PX, measure_first_start, run_fresh
from bench.encode.threads import THREADS, compare_threads
from bench.encode.timing import OURS, measure_ours, measure_writer, prepare_rivals
from bench.encoders import PACKAGES as RIVAL_PACKAGES
from bench.encoders import decode, parse_quality
from bench.environment import PACKAGES, describe_machine, write_result
from bench.metrics import Picture


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add("--images", type=Path, required=True, help="folder of photos")
    add("--quality", type=parse_quality, nargs="+", default=[75, 50], help="qualities (75 50)")
    add("--strength", type=float, default=0.6, help="(%(default)s)")
    add("--repeats", type=int, default=5, help="encodes per median (%(default)s)")
    add("--limit", type=int, help="this many photos, the first by hashed name")
    add("--skip-large", action="store_true", help="skip the encode of 24 megapixels")
    add("--skip-start", action="store_true", help="skip the first start")
    add("--out", type=Path, required=True, help="JSON file to write")


def run(args: argparse.Namespace) -> int:
    """Measure, print the tables, write the file; return the exit code."""
    paths = find_photos(args.images, {}, None, args.limit) if args.images.is_dir() else {}
    if not paths or args.repeats < 1:
        print(f"bench encode: no photos in {args.images.name}, or no repeats", file=sys.stderr)
        return 2
    machine = describe_machine((*PACKAGES, *RIVAL_PACKAGES))
    load_before = os.getloadavg()[0]
    codec.warm_up()
    photos = {name: decode(path.read_bytes()) for name, path in paths.items()}
    images: dict[str, Any] = {name: {} for name in photos}
    for name, image in photos.items():
        for quality in args.quality:
            images[name][str(quality)] = measure_photo(image, quality, args)
        print(name, file=sys.stderr)
    by_quality = {
        str(quality): summarise([rows[str(quality)] for rows in images.values()])
        for quality in args.quality
    }
    summary = by_quality[str(args.quality[0])]
    machine |= {
        "qualities": args.quality,
        "strength": args.strength,
        "repeats": args.repeats,
        "photos": len(photos),
        "sizes_px": sorted({f"{i.shape[1]}x{i.shape[0]}" for i in photos.values()}),
    }
    result = {
        "meta": {**machine, "load_average": [load_before, os.getloadavg()[0]]},
        "summary": summary,
        "by_quality": by_quality,
        "large": None if args.skip_large else measure_large(list(paths.values()), summary, args),
        "threads": compare_threads(
            list(photos.values()), codec.EncodeSettings(args.quality[0], args.strength)
        ),
        "first_start": None if args.skip_start else measure_first_start(),
        "images": images,
    }
    print_tables(result)
    write_result(args.out, rounded(result), indent=1)
    return 0


def measure_photo(image: Picture, quality: int, args: argparse.Namespace) -> dict[str, Any]:
    """Return the measures of every encoder for one photo."""
    rows = {}
    for name, options in OURS.items():
        settings = codec.EncodeSettings(quality, args.strength, **options)
        rows[name] = measure_ours(image, settings, args.repeats)
    for name, write in prepare_rivals(image, quality).items():
        rows[name] = measure_writer(write, args.repeats)
    return rows


def summarise(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return each encoder's medians over the photos, and mean and largest number of passes."""
    summary: dict[str, Any] = {}
    for name, first in rows[0].items():
        own = [row[name] for row in rows]
        summary[name] = {"p50_ms": statistics.median(row["ms"] for row in own)}
        if "passes" not in first:
            continue
        summary[name] |= {
            "p50_dct_to_bytes_ms": statistics.median(row["dct_to_bytes_ms"] for row in own),
            "p50_stages_ms": {
                stage: statistics.median(row["stages_ms"][stage] for row in own)
                for stage in first["stages_ms"]
            },
            "mean_passes": statistics.fmean(row["passes"] for row in own),
            "most_passes": max(row["passes"] for row in own),
            "photos_of_up_to_3_passes": sum(row["passes"] <= 3 for row in own) / len(own),
        }
    return summary


def measure_large(
    paths: Sequence[Path], summary: dict[str, Any], args: argparse.Namespace
) -> dict[str, Any]:
    """Return time and memory of a mosaic of the photos, each setting in a new process."""
    found: dict[str, Any] = {"size_px": list(LARGE_PX), "picture": "the photos as tiles, in order"}
    for name, options in {**OURS, "foveate_size_444": {**OURS["foveate_size"], "subsampling": "444"}}.items():  # fmt: skip
        chosen = {"quality": args.quality[0], "strength": args.strength, **options}
        own = run_fresh(
            [
                "large",
                "--options",
                json.dumps(chosen),
                "--photos",
                *map(str, map(Path.resolve, paths)),
            ]
        )
        if name in summary:
            own["times_a_photo"] = own["ms"] / summary[name]["p50_ms"]
        found[name] = own
    return found


def rounded(value: Any) -> Any:
    """Return JSON values with floats at three decimals."""
    if isinstance(value, dict):
        return {key: rounded(own) for key, own in value.items()}
    if isinstance(value, list):
        return [rounded(own) for own in value]
    return round(value, 3) if isinstance(value, float) else value


def print_tables(result: dict[str, Any]) -> None:
    """Print the figures as small tables."""
    for quality, encoders in result["by_quality"].items():
        print(f"quality {quality}: {'p50 ms':>29} {'DCT to bytes':>13} {'passes':>8}")
        for name, row in encoders.items():
            line = f"{name:<32} {row['p50_ms']:8.1f}"
            if "mean_passes" in row:
                line += f" {row['p50_dct_to_bytes_ms']:13.1f} {row['mean_passes']:5.2f} ≤{row['most_passes']:2}"
            print(line)
    for name, row in (result["large"] or {}).items():
        if isinstance(row, dict):
            times = f"{row['times_a_photo']:.0f} photos, " if "times_a_photo" in row else ""
            print(f"24 megapixels, {name}: {row['ms']:.0f} ms, {times}"
                  f"{row['bytes_per_pixel_above_the_image']:.1f} bytes per pixel")  # fmt: skip
    threads = result["threads"]
    print(f"{THREADS} threads: {threads['encode']['gain']:.2f}, in two processes "
          f"{threads['processes']['gain']:.2f}, of a bare kernel {threads['control']['gain']:.2f}")  # fmt: skip
    if result["first_start"]:
        compiled, loaded = (result["first_start"][name] for name in ("compile", "load"))
        print(
            f"first start: {compiled['seconds']:.1f} s compiling, {loaded['seconds']:.1f} s loading"
        )
