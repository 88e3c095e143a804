"""Saliency maps of Foveate, rivals and a centre Gaussian, against recorded gaze and labelled objects."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from bench.datasets.folds import FOLDS, choose_photos
from bench.datasets.uploads import list_uploads
from bench.environment import PACKAGES, describe_machine, find_data, write_result
from bench.metrics.gaze import (
    DENSITY_SIGMA,
    SEED,
    locate_fixations,
    measure_map,
    scale_map,
    shuffle_fixations,
)
from bench.saliency.baselines import ATTENTION_CENTER, CLASSIFIER, LITERT
from bench.saliency.contact_sheet import draw_sheet
from bench.saliency.maps import (
    ATTENTION_CENTER_MAP,
    MAPS,
    MapFunction,
    collect_map_functions,
    draw_maps,
    load_predictors,
)
from bench.saliency.mosaics import draw_mosaic, find_classes, locate_objects, plan_mosaics
from bench.saliency.objects import Box, cover_objects, find_labelled
from bench.saliency.summary import print_table, summarise


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--images", type=Path, help="folder of photos")
    parser.add_argument(
        "--fixations", type=Path, help='{file: {"width", "height", "fixations_xy"}}'
    )
    parser.add_argument(
        "--boxes", type=Path, help="folder of labels: class x1 y1 x2 y2; or a .json of COCO"
    )
    parser.add_argument("--box-images", type=Path, help="photos of the labels (default: --images)")
    parser.add_argument("--mosaics", type=Path, help="folder of photos, one folder per class")
    parser.add_argument(
        "--mosaic-count", type=int, default=100, help="number of mosaics (%(default)s)"
    )
    parser.add_argument(
        "--mosaic-side", type=int, choices=(2, 3), default=2, help="2×2 or 3×3 tiles (%(default)s)"
    )
    all_maps = (*MAPS, ATTENTION_CENTER_MAP)
    parser.add_argument(
        "--maps", nargs="+", choices=all_maps, default=all_maps, help="maps to measure (all)"
    )
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument(
        "--attention-center",
        type=Path,
        default=find_data() / ATTENTION_CENTER,
        help=f".tflite file of the rival attention-center (needs {LITERT}; %(default)s)",
    )
    parser.add_argument(
        "--limit", type=int, help="number of photos of each set, by hashed name, and of mosaics"
    )
    parser.add_argument(
        "--fold",
        choices=FOLDS,
        help="of --fixations and --mosaics: only photos held out of training, or only the others",
    )
    parser.add_argument("--sheet", type=Path, help="JPEG to write: photos with their maps")
    parser.add_argument("--sheet-of", nargs="*", help="stems of the photos on the sheet (all)")


def run(args: argparse.Namespace) -> int:
    """Measure every photo, print the table, write the file; return the exit code."""
    measured = args.out and (args.fixations or args.boxes or args.mosaics)
    if not measured and not args.sheet:
        return refuse("give --out with --fixations, --boxes or --mosaics; or give --sheet")
    if not args.images and (args.fixations or args.sheet or (args.boxes and not args.box_images)):
        return refuse("--images is missing")
    if args.sheet:
        photos = list_uploads(args.images)
        shown = [path for path in photos if not args.sheet_of or path.stem in args.sheet_of]
        if not shown:
            return refuse("no photos for the sheet")
        draw_sheet(shown, args.sheet, load_predictors())
    return measure(args) if measured else 0


def measure(args: argparse.Namespace) -> int:
    """Measure the sets that the options name, write the file; return the exit code."""
    recorded = json.loads(args.fixations.read_text("utf-8")) if args.fixations else {}
    names = choose_photos(recorded, args.fold, args.limit)
    if args.fixations and not names:
        return refuse(f"no photos in {args.fixations.name}")
    labelled = find_labelled(args.boxes, args.box_images or args.images) if args.boxes else {}
    if args.boxes and not labelled:
        return refuse(f"no labels with photos in {args.boxes.name}")
    side = args.mosaic_side
    classes = find_classes(args.mosaics, args.fold) if args.mosaics else {}
    if args.mosaics and len(classes) < side**2:
        return refuse(f"photos of {len(classes)} classes in {args.mosaics.name}, {side**2} needed")
    mosaics = list(plan_mosaics(classes, side, args.mosaic_count))[: args.limit] if classes else []

    predictors = load_predictors()
    map_functions = collect_map_functions(predictors, args.attention_center, args.maps)
    images = {name: measure_photo(args.images / name, recorded, map_functions) for name in names}
    boxed = [labelled[name] for name in choose_photos(labelled, None, args.limit)]
    covered = {
        "objects": [cover_photo(load_photo(path), boxes, map_functions) for path, boxes in boxed],
        "mosaics": [
            cover_photo(draw_mosaic(paths, side), locate_objects(side), map_functions)
            for paths in mosaics
        ],
    }
    summary = summarise(tuple(map_functions), images, covered)
    print_table(summary)
    meta = {**describe_machine((*PACKAGES, CLASSIFIER, LITERT)), "seed": SEED, "fold": args.fold or "all",
            "photos": len(images), "photos_with_boxes": len(boxed), "mosaics": len(mosaics),
            "mosaic_tiles": f"{side}x{side}", "density_sigma_of_diagonal": DENSITY_SIGMA,
            "device": "cpu", "threads": torch.get_num_threads(),
            "weights": {name: ours.version for name, ours in predictors.items()}}  # fmt: skip
    write_result(args.out, {"meta": meta, "summary": summary, "images": images}, indent=1)
    return 0


def refuse(reason: str) -> int:
    """Print the reason; return the exit code."""
    print(f"bench saliency: {reason}", file=sys.stderr)
    return 2


def load_photo(path: Path) -> Image.Image:
    """Return a photo in RGB without rotation: gaze and boxes refer to the stored pixels."""
    with Image.open(path) as opened:
        return opened.convert("RGB")


def measure_photo(
    path: Path, recorded: Mapping[str, Any], map_functions: Mapping[str, MapFunction]
) -> dict[str, Any]:
    """Return the measures and milliseconds of every map of one photo."""
    own = recorded[path.name]
    shape = (own["height"], own["width"])
    fixations = locate_fixations(own["fixations_xy"], shape)
    others = shuffle_fixations(recorded, path.name)
    rows = {}
    for name, (saliency, elapsed_ms) in draw_maps(load_photo(path), map_functions).items():
        measures = measure_map(scale_map(saliency, shape), fixations, others)
        rows[name] = {**measures, "ms": elapsed_ms}
    return rows


def cover_photo(
    photo: Image.Image, boxes: Sequence[Box], map_functions: Mapping[str, MapFunction]
) -> dict[str, Any]:
    """Return each map's covered objects of an RGB photo, and its milliseconds."""
    shape = (photo.height, photo.width)
    return {
        name: {"objects": cover_objects(scale_map(saliency, shape), boxes), "ms": elapsed_ms}
        for name, (saliency, elapsed_ms) in draw_maps(photo, map_functions).items()
    }
