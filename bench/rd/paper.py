"""The three tables of the paper, with ours beside its claims, the control and the rivals.

Prakash et al., "Semantic Perceptual Image Compression Using Deep Convolution Networks", DCC 2017: the
means over Kodak, over the categories of a larger set, and over the sizes of one photo. Its larger set,
the MIT Saliency Benchmark, is replaced by photos with recorded gaze and by lossless ones, none of which
the network or the encoder's constants have seen. Everything is encoded with `tune=psnr`.

The file holds ``meta``; ``claims``, the paper's gains over the standard JPEG; and for each of
``kodak``, ``sets`` and ``sizes`` ``by_quality`` and ``images``, as in the file of `bench rd`.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from bench.datasets.photos import Photo, find_photos, plan_photos, read_fixations
from bench.encoders import PACKAGES as RIVAL_PACKAGES
from bench.encoders import RIVALS, find_missing
from bench.environment import PACKAGES, count_cores, describe_machine, find_data, write_result
from bench.rd.run import measure_photos, note, refuse, sum_up
from bench.rd.summary import print_table
from codec.jpeg.quantize.tuning import DEFAULT_STRENGTH

CLAIMS: Final = {
    "psnr_s": 5.25,
    "psnr": 0.12,
    "psnr_hvs": 0.13,
    "psnr_hvs_m": 0.14,
    "ssim": 0.0,
    "ms_ssim": 0.0,
    "vifp": 0.003,
}
"""Gains over the standard JPEG of the same bytes on Kodak at quality 50; SSIM and MS-SSIM: not below."""
QUALITIES: Final = (50, 75)
STRENGTHS: Final = (0.2, 0.4, 0.8)
GAZE_SETS: Final = ("fixations/osie", "fixations/crowd", "fixations/sun")
LOSSLESS: Final = "lossless"
KODAK: Final = "kodak"
SIZED_PHOTO: Final = "kodim05.png"
SIZES: Final = 20
SET_LIMIT: Final = 10


@dataclass(frozen=True)
class Table:
    """The photos of a table, and what they are encoded with."""

    photos: Sequence[Photo]
    qualities: tuple[int, ...] = QUALITIES
    more_strengths: tuple[float, ...] = ()
    rivals: tuple[str, ...] = ("mozjpeg", "jpegli")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add("--limit", type=int, help="photos of each set, and sizes (all of Kodak, 10 of the others)")
    add("--out", type=Path, required=True, help="JSON file to write")
    add("--jobs", type=int, default=count_cores(), help="processes (%(default)s)")


def run(args: argparse.Namespace) -> int:
    """Measure the tables, print and write them; return the exit code."""
    from bench.metrics.full_reference import PACKAGES as METRIC_PACKAGES  # noqa: PLC0415
    from bench.rd.measure import MeasureOptions  # noqa: PLC0415

    data = find_data()
    tables = plan_tables(data, args.limit)
    if not all(table.photos for table in tables.values()):
        return refuse(f"no photos in {data.name}/{KODAK} or the sets beside it")
    missing = find_missing(RIVALS)
    for name, reason in missing.items():
        note(f"{name} is left out: {reason}")
    packages = (*PACKAGES, *RIVAL_PACKAGES, *METRIC_PACKAGES)
    result: dict[str, Any] = {
        "meta": {**describe_machine(packages), "tune": "psnr", "left_out": missing},
        "claims": CLAIMS,
    }
    for name, table in tables.items():
        options = MeasureOptions(
            table.qualities,
            DEFAULT_STRENGTH,
            tuple(rival for rival in table.rivals if rival not in missing),
            tune="psnr",
            more_strengths=table.more_strengths,
        )
        done = list(measure_photos(table.photos, options, args.jobs))
        images = {one.photo.name: one.rows for one in done if not one.error}
        if not images:
            return refuse(f"no photo of the table {name} could be measured")
        groups = {one.photo.name: one.photo.group for one in done}
        by_quality = {
            str(quality): sum_up(images, groups, str(quality)) for quality in table.qualities
        }
        result[name] = {"by_quality": by_quality, "images": images}
        for quality, part in by_quality.items():
            print_table(f"{name} {quality}", part["summary"])
    write_result(args.out, result, indent=1)
    return 0


def plan_tables(data: Path, limit: int | None) -> dict[str, Table]:
    """Return the tables by name; their photos are missing where a folder is."""
    kodak = plan_photos(
        find_photos(data / KODAK, {}, None, limit), {}, None, halved=False, steps=None
    )
    sets = [
        photo
        for name in (*GAZE_SETS, LOSSLESS)
        for photo in plan_set(data / name, min(limit or SET_LIMIT, SET_LIMIT))
    ]
    path = data / KODAK / SIZED_PHOTO
    paths = {SIZED_PHOTO: path} if path.exists() else {}
    sizes = plan_photos(paths, {}, None, halved=False, steps=limit or SIZES)
    return {
        "kodak": Table(kodak, more_strengths=STRENGTHS, rivals=RIVALS),
        "sets": Table(sets),
        "sizes": Table(sizes, qualities=QUALITIES[:1]),
    }


def plan_set(folder: Path, limit: int) -> list[Photo]:
    """Return photos of the held-out fold; those with recorded gaze are JPEGs, and are halved."""
    recorded = folder / "fixations.json"
    fixations = read_fixations(recorded) if recorded.exists() else {}
    paths = find_photos(folder, fixations, "held", limit)
    photos = plan_photos(paths, fixations, None, bool(fixations), None)
    return [
        replace(photo, name=f"{folder.name}/{photo.name}", group=folder.name) for photo in photos
    ]
