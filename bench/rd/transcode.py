"""JPEG in, JPEG out: encoding an upload's coefficients compared with encoding its pixels.

Each photo is saved as a standard JPEG of each ``--uploads`` quality and then compressed in both ways
for each goal. The file holds ``meta``; ``summary``, the means over photos by upload and goal;
``images``. Errors are measured against the decoded upload and against the original photo.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import codec
from bench.datasets.photos import Photo, find_photos, plan_photos, read_photo
from bench.encoders import decode, encode_standard
from bench.environment import PACKAGES, count_cores, describe_machine, write_result
from bench.metrics import ssimulacra2_fast
from bench.metrics.full_reference import psnr
from bench.metrics.regions import keep_elsewhere
from bench.rd.measure import Scene, load_prediction, prepare_scene
from bench.rd.processes import open_pool

OWN: Final = "own"
UPLOADS: Final = ("95", "85")
GOALS: Final = ("size:75", "size:50", "quality:85", "quality:75")
WAYS: Final = ("coefficients", "pixels")
# PSNR from which coefficients count as unchanged: decoders may differ in the last bit.
KEPT_DB: Final = 90.0


@dataclass(frozen=True)
class TranscodeOptions:
    """Uploads and goals to measure for each photo."""

    uploads: tuple[str, ...]
    """Qualities, or OWN for the unchanged file."""
    goals: tuple[str, ...]
    subsampling: str
    strength: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add("--images", type=Path, required=True, help="folder of photos")
    add("--halve", action="store_true", help="photos at half their size (2×2 box)")
    add("--limit", type=int, help="number of photos, the first by hashed name (all)")
    add("--uploads", nargs="+", default=UPLOADS,
        help=f"qualities of the uploads; '{OWN}': the JPEG files unchanged")  # fmt: skip
    add(
        "--subsampling",
        default="4:2:0",
        choices=("4:2:0", "4:2:2", "4:4:4"),
        help="of uploads (%(default)s)",
    )
    add("--goals", nargs="+", default=GOALS, help="target:quality, such as size:75")
    add("--strength", type=float, default=0.6, help="(%(default)s)")
    add("--jobs", type=int, default=count_cores(), help="processes (%(default)s)")
    add("--out", type=Path, required=True, help="JSON file to write")


def run(args: argparse.Namespace) -> int:
    """Measure every photo, print the table, write the file; return the exit code."""
    paths = find_photos(args.images, {}, None, args.limit) if args.images.is_dir() else {}
    options = TranscodeOptions(
        tuple(args.uploads), tuple(args.goals), args.subsampling, args.strength
    )
    try:
        for goal in options.goals:
            parse_goal(goal, options)
        if not all(upload == OWN or 1 <= int(upload) <= 100 for upload in options.uploads):
            raise ValueError("an upload's quality must lie in 1..100")
        if OWN in options.uploads and args.halve:
            raise ValueError("the original file can't be halved")
    except ValueError as error:
        print(f"bench transcode: {error}", file=sys.stderr)
        return 2
    if not paths:
        print(f"bench transcode: no photos in {args.images.name}", file=sys.stderr)
        return 2
    photos = plan_photos(paths, {}, None, args.halve, None)
    images: dict[str, Any] = {}
    with open_pool(args.jobs) as map_photos:
        measured = map_photos(partial(measure_photo, options=options), photos)
        for photo, rows in zip(photos, measured, strict=True):
            images[photo.name] = rows
            print(f"bench transcode: {len(images)}/{len(photos)} {photo.name}", file=sys.stderr)
    summary = average(list(images.values()))
    print_table(summary)
    result = {
        "meta": {
            **describe_machine(PACKAGES),
            "photos": len(images),
            "halved": args.halve,
            "subsampling": args.subsampling,
            "strength": args.strength,
        },
        "summary": summary,
        "images": images,
    }
    write_result(args.out, result, indent=1)
    return 0


def parse_goal(goal: str, options: TranscodeOptions) -> codec.EncodeSettings:
    """Return the settings of a goal such as "size:75".

    Raises:
        ValueError: the text is not a target and a quality.
    """
    target, _, quality = goal.partition(":")
    if target not in {"size", "quality"}:
        raise ValueError(f"{goal!r} is not a goal such as size:75")
    return codec.EncodeSettings(
        int(quality),
        options.strength,
        progressive=True,
        target="size" if target == "size" else "quality",
    )


def measure_photo(photo: Photo, options: TranscodeOptions) -> dict[str, Any]:
    """Return the measures of a photo by upload, goal and way."""
    original = read_photo(photo)
    saliency = load_prediction()(original)
    before = prepare_scene(original, saliency, photo)
    rows: dict[str, Any] = {}
    for name in options.uploads:
        if name == OWN:
            upload = photo.path.read_bytes()
        else:
            upload = encode_standard(original, int(name), options.subsampling)
        shown = prepare_scene(decode(upload), saliency, photo)
        scenes = {"upload": shown} if name == OWN else {"upload": shown, "original": before}
        rows[name] = {
            goal: measure_goal(upload, shown, scenes, parse_goal(goal, options))
            for goal in options.goals
        }
    return rows


def measure_goal(
    upload: bytes, shown: Scene, scenes: Mapping[str, Scene], settings: codec.EncodeSettings
) -> dict[str, Any]:
    """Return the measures of both ways of encoding, against each scene."""
    found: dict[str, Any] = {}
    for way in WAYS:
        started = time.process_time()
        if way == "pixels":
            made = codec.encode(shown.image, shown.saliency, settings)
        else:
            source = codec.read_source(upload)
            made = codec.transcode(source, shown.image, shown.saliency, settings)
        ms = 1e3 * (time.process_time() - started)
        row = {
            "bytes_of_upload": len(made.jpeg) / len(upload),
            "bytes_ratio": len(made.jpeg) / made.reference_bytes,
            "passes": made.passes,
            "cpu_ms": round(ms, 1),
        }
        decoded = decode(made.jpeg)
        for name, scene in scenes.items():
            inside = keep_elsewhere(scene.image, decoded, scene.looked_at)
            row[f"psnr_{name}"] = psnr(scene.image, decoded)
            row[f"ssimulacra2_{name}"] = ssimulacra2_fast.score(scene.scales, decoded)
            row[f"ssimulacra2_gaze_{name}"] = ssimulacra2_fast.score(scene.scales, inside)
        found[way] = {key: round(value, 4) for key, value in row.items()}
    found["kept"] = found["coefficients"]["psnr_upload"] > KEPT_DB
    return found


def average(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the means over photos; gains only over photos whose coefficients changed.

    Unchanged coefficients have no error against the upload, so their PSNR is not finite.
    """
    summary: dict[str, Any] = {}
    for upload, goals in rows[0].items():
        for goal in goals:
            own = [row[upload][goal] for row in rows]
            changed = [one for one in own if not one["kept"]]
            cell: dict[str, Any] = {"kept": len(own) - len(changed), "photos": len(own)}
            for way in WAYS:
                cell[way] = {
                    key: round(statistics.fmean(one[way][key] for one in own), 4)
                    for key in ("bytes_of_upload", "bytes_ratio", "passes", "cpu_ms")
                }
            for key in own[0]["pixels"]:
                if key.startswith(("psnr", "ssimulacra2")) and changed:
                    gains = [one["coefficients"][key] - one["pixels"][key] for one in changed]
                    cell[f"gain_{key}"] = round(statistics.fmean(gains), 4)
            summary.setdefault(upload, {})[goal] = cell
    return summary


def print_table(summary: Mapping[str, Any]) -> None:
    """Print both ways' bytes, and the gains of coefficients over pixels."""
    print("upload  goal         kept  bytes  (pixels)  gain where people look: upload, original")
    for upload, goals in summary.items():
        for goal, cell in goals.items():
            shares = [cell[way]["bytes_of_upload"] for way in WAYS]
            gains = [
                f"{cell[key]:+.2f}" if key in cell else "-"
                for key in ("gain_ssimulacra2_gaze_upload", "gain_ssimulacra2_gaze_original")
            ]
            print(f"{upload:7} {goal:12} {cell['kept']:4}  {shares[0]:.3f}  {shares[1]:.3f}    "
                  f"{'  '.join(gains)}")  # fmt: skip
