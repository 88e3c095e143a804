"""Saliency maps against recorded gaze and labelled objects, beside rivals and a centre Gaussian."""

import argparse
import hashlib
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch
from PIL import Image

from bench.machine import PACKAGES, describe_machine
from bench.saliency_metrics import (
    DENSITY_SIGMA,
    MEASURES,
    SEED,
    Map,
    locate_fixations,
    measure_map,
    scale_map,
    shuffle_fixations,
)
from bench.saliency_objects import COVERAGE, Box, cover_objects, find_labelled, summarise_objects
from bench.saliency_rivals import LITERT, class_activation_maps, load_attention_center
from bench.saliency_sheet import draw_sheet
from model import Predictor
from model.checkpoint import load_network
from model.maps import centre_weights

Drawing = Callable[[Image.Image], Map]  # an RGB photo to its map, of any size

MAPS: Final = ("foveate", "foveate_centre", "cam", "cam_top5", "centre")
SHOWN: Final = (*MEASURES, "ms_per_image")
HALVES: Final = {"fit": 0, "held": 1}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--images", type=Path, required=True, help="folder of photos")
    parser.add_argument(
        "--fixations", type=Path, help='{file: {"width", "height", "fixations_xy"}}'
    )
    parser.add_argument("--boxes", type=Path, help="folder of labels: class x1 y1 x2 y2")
    parser.add_argument("--box-images", type=Path, help="the labels' photos; else --images")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument(
        "--attention-center", type=Path, help=f".tflite file of this rival (needs {LITERT})"
    )
    parser.add_argument(
        "--limit", type=int, help="this many photos of each set, the first by hashed name"
    )
    parser.add_argument(
        "--half",
        choices=HALVES,
        help="constants were fitted on one half of the photos (by hashed name); else all",
    )
    parser.add_argument("--sheet", type=Path, help="JPEG to write: photos beside their maps")
    parser.add_argument("--sheet-of", nargs="*", help="stems of the photos on it; else all")


def run(args: argparse.Namespace) -> int:
    """Measure every photo, print the table, write the file; return the exit code."""
    if args.sheet:
        draw_sheet(args.images, args.sheet, args.sheet_of)
    if args.out is None or not (args.fixations or args.boxes):
        if args.sheet:
            return 0
        return refuse("--fixations or --boxes, each with --out; or --sheet")
    recorded = json.loads(args.fixations.read_text("utf-8")) if args.fixations else {}
    names = choose_photos(recorded, args.half, args.limit)
    if args.fixations and not names:
        return refuse(f"no photos in {args.fixations.name}")
    labelled = find_labelled(args.boxes, args.box_images or args.images) if args.boxes else {}
    if args.boxes and not labelled:
        return refuse(f"no labels with photos in {args.boxes.name}")
    boxed = choose_photos(labelled, None, args.limit)
    predictor = Predictor()
    drawings = collect_drawings(predictor, args.attention_center)
    images = {name: measure_photo(args.images / name, recorded, drawings) for name in names}
    covered = {name: cover_photo(*labelled[name], drawings) for name in boxed}
    summary = summarise(tuple(drawings), images, covered)
    print_table(summary)
    meta = {**describe_machine((*PACKAGES, LITERT)), "seed": SEED, "half": args.half,
            "photos": len(images), "photos_with_boxes": len(covered),
            "density_sigma_of_diagonal": DENSITY_SIGMA, "device": str(predictor.device),
            "threads": torch.get_num_threads(), "weights": predictor.version}  # fmt: skip
    args.out.parent.mkdir(parents=True, exist_ok=True)
    result = {"meta": meta, "summary": summary, "images": images}
    args.out.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    return 0


def refuse(reason: str) -> int:
    """Say what is missing; return the exit code."""
    print(f"bench saliency: {reason}", file=sys.stderr)
    return 2


def choose_photos(names: Iterable[str], half: str | None, limit: int | None) -> list[str]:
    """Return the names of one half (or of all), in the order of their hashes: without a seed."""
    digests = {name: hashlib.sha256(name.encode()).digest() for name in names}
    chosen = [name for name in digests if half is None or digests[name][0] % 2 == HALVES[half]]
    return sorted(chosen, key=digests.__getitem__)[:limit]


def collect_drawings(predictor: Predictor, attention_center: Path | None) -> dict[str, Drawing]:
    """Return what draws each map; the rival only where it can be had, else a line says why."""
    network, _ = load_network()

    def ours(photo: Image.Image) -> Map:
        return predictor.predict([predictor.prepare(photo)])[0]

    def activation(name: str) -> Drawing:
        return lambda photo: class_activation_maps(network, predictor.prepare(photo))[name]

    prior: Map = centre_weights(len(ours(Image.new("RGB", (64, 64)))), 1.0).numpy()
    drawings: dict[str, Drawing] = {
        "foveate": ours,
        "foveate_centre": lambda photo: ours(photo) * prior,
        "cam": activation("cam"),
        "cam_top5": activation("cam_top5"),
        "centre": lambda _: prior,
    }
    rival, reason = load_attention_center(attention_center, torch.get_num_threads())
    if rival is None:
        print(f"bench saliency: attention_center is left out: {reason}", file=sys.stderr)
    else:
        drawings["attention_center"] = rival
    for draw in drawings.values():  # a first pass takes longer
        draw(Image.new("RGB", (64, 64)))
    return drawings


def measure_photo(
    path: Path, recorded: Mapping[str, Any], drawings: Mapping[str, Drawing]
) -> dict[str, Any]:
    """Return the measures of every map of one photo, and the milliseconds of each."""
    own = recorded[path.name]
    shape = (own["height"], own["width"])
    fixations = locate_fixations(own["fixations_xy"], shape)
    others = shuffle_fixations(recorded, path.name)
    rows = {}
    for name, (saliency, elapsed_ms) in draw_maps(path, drawings).items():
        measures = measure_map(scale_map(saliency, shape), fixations, others)
        rows[name] = {**measures, "ms": elapsed_ms}
    return rows


def cover_photo(
    path: Path, boxes: Sequence[Box], drawings: Mapping[str, Drawing]
) -> dict[str, Any]:
    """Return what every map of one photo does to its objects, and the milliseconds of each."""
    with Image.open(path) as opened:
        shape = (opened.height, opened.width)
    return {
        name: {"objects": cover_objects(scale_map(saliency, shape), boxes), "ms": elapsed_ms}
        for name, (saliency, elapsed_ms) in draw_maps(path, drawings).items()
    }


def draw_maps(path: Path, drawings: Mapping[str, Drawing]) -> dict[str, tuple[Map, float]]:
    """Return each map of a photo and its milliseconds, from the decoded photo on.

    The quicker of two passes counts: the first pays for the caches that others left behind.
    """
    with Image.open(path) as opened:
        photo = opened.convert("RGB")
    drawn = {}
    for name, draw in drawings.items():
        started_s = time.perf_counter()
        saliency = draw(photo)
        between_s = time.perf_counter()
        draw(photo)
        elapsed_s = min(between_s - started_s, time.perf_counter() - between_s)
        drawn[name] = (saliency, round(elapsed_s * 1000, 1))
    return drawn


def summarise(
    maps: Sequence[str], images: Mapping[str, Any], covered: Mapping[str, Any]
) -> dict[str, Any]:
    """Return each map's means over the photos, the median of its times, its objects.

    A set of one photo has no shuffled AUC, for want of others.
    """
    summary: dict[str, Any] = {}
    for name in maps:
        gazed = [row[name] for row in images.values()]
        boxed = [row[name] for row in covered.values()]
        summary[name] = {
            key: round(statistics.fmean(row[key] for row in gazed), 4)
            for key in MEASURES
            if gazed and key in gazed[0]
        }
        times_ms = [row["ms"] for row in [*gazed, *boxed]]
        summary[name]["ms_per_image"] = round(statistics.median(times_ms), 1)
        if boxed:
            summary[name]["objects"] = summarise_objects(
                [found for row in boxed for found in row["objects"]]
            )
    return summary


def print_table(summary: Mapping[str, Mapping[str, Any]]) -> None:
    """Print each map's means, and the shares of the objects it covers."""
    columns = [key for key in SHOWN if key in next(iter(summary.values()))]
    print(f"{'map':<17}" + "".join(f"{key:>13}" for key in columns))
    for name, row in summary.items():
        print(f"{name:<17}" + "".join(f"{row[key]:>13.3f}" for key in columns))
    if all("objects" in row for row in summary.values()):
        print(f"{'objects':<17}" + "".join(f"{key:>13}" for key in COVERAGE))
        for name, row in summary.items():
            print(f"{name:<17}" + "".join(f"{row['objects'][key]:>13.3f}" for key in COVERAGE))
