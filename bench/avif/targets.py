"""How well AVIFs meet their targets, beside JPEGs: bytes, and SSIMULACRA2 where people looked.

The file holds ``meta``; ``summary`` by format, target and quality; ``images`` with each photo's rows.
"""

import argparse
import json
import time
from pathlib import Path
from statistics import mean
from typing import Any, Final

from bench.datasets.photos import (
    Photo,
    add_photo_options,
    find_photos,
    plan_photos,
    read_fixations,
    read_photo,
)
from bench.encoders import decode, encode_standard, parse_quality
from bench.environment import PACKAGES, describe_machine, write_result
from bench.metrics import ssimulacra2_fast
from bench.metrics.regions import keep_elsewhere
from bench.rd.measure import Scene, load_prediction, prepare_scene
from codec.formats import FORMATS
from codec.settings import EncodeSettings, Target

TARGETS: Final[tuple[Target, ...]] = ("size", "quality")
NEAR: Final = 0.01


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_photo_options(parser)
    parser.add_argument("--quality", type=parse_quality, nargs="+", default=[50, 75])
    parser.add_argument("--limit", type=int, help="number of photos, the first by hashed name")
    parser.add_argument("--out", type=Path, help="JSON file to write")


def run(args: argparse.Namespace) -> int:
    """Run the benchmark; return the exit code."""
    fixations = read_fixations(args.fixations) if args.fixations else {}
    paths = find_photos(args.images, fixations, args.fold, args.limit)
    photos = plan_photos(paths, fixations, args.maps, args.halve, None)
    images = {photo.name: measure_photo(photo, args.quality) for photo in photos}
    rows = [row for found in images.values() for row in found]
    summary = {
        f"{name} {target} {quality}": summarise(
            [row for row in rows if row["key"] == [name, target, quality]]
        )
        for name in FORMATS
        for target in TARGETS
        for quality in args.quality
    }
    print(json.dumps(summary, indent=1))
    meta = {**describe_machine(PACKAGES), "photos": len(images), "fold": args.fold or "all"}
    write_result(args.out, {"meta": meta, "summary": summary, "images": images}, indent=1)
    return 0


def measure_photo(photo: Photo, qualities: list[int]) -> list[dict[str, Any]]:
    """Return a row for each format, target and quality."""
    image = read_photo(photo)
    scene = prepare_scene(image, load_prediction()(image), photo)
    rows = []
    for quality in qualities:
        reference = score_gaze(scene, encode_standard(image, quality))
        for name, output_format in FORMATS.items():
            for target in TARGETS:
                settings = EncodeSettings(quality=quality, target=target, progressive=True)
                started_s = time.process_time()
                encoded = output_format.encode(image, scene.saliency, settings)
                rows.append(
                    {
                        "key": [name, target, quality],
                        "bytes_ratio": round(len(encoded.data) / encoded.reference_bytes, 4),
                        "gain": round(score_gaze(scene, encoded.data) - reference, 3),
                        "passes": encoded.passes,
                        "ms": round(1e3 * (time.process_time() - started_s), 1),
                    }
                )
    return rows


def score_gaze(scene: Scene, file: bytes) -> float:
    """Return SSIMULACRA2 of a file where people looked, with the original elsewhere."""
    composite = keep_elsewhere(scene.image, decode(file), scene.looked_at)
    return ssimulacra2_fast.score(scene.scales, composite)


def summarise(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Return means, and the share of photos with the reference's bytes or at least its quality."""
    return {
        "bytes_ratio": round(mean(row["bytes_ratio"] for row in rows), 4),
        "gain": round(mean(row["gain"] for row in rows), 3),
        "as_good": round(mean(row["gain"] >= 0 for row in rows), 3),
        "within_1_percent": round(mean(abs(row["bytes_ratio"] - 1) <= NEAR for row in rows), 3),
        "passes": round(mean(row["passes"] for row in rows), 2),
        "ms": round(mean(row["ms"] for row in rows), 1),
    }
