"""Saliency maps against recorded gaze, beside class activation maps and a centre Gaussian.

NSS: Peters et al., Vision Research 45, 2005. AUC-Judd: Judd et al., ICCV 2009; here with every
fixation as a positive, every pixel without one as a negative, and no jitter.
"""

import argparse
import hashlib
import json
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from bench.machine import describe_machine
from bench.quality import salient_region
from model import MSROI, Predictor
from model.checkpoint import load_network
from model.maps import centre_weights, smoothing_matrix
from model.msroi import normalise_pixels

Map = NDArray[np.float32]

MAPS: Final = ("foveate", "foveate_centre", "cam", "cam_top5", "centre")
MEASURES: Final = ("nss", "auc_judd", "captured_25")
HALVES: Final = {"fit": 0, "held": 1}
SHEET_COLUMNS: Final = 3
SHEET_PHOTO_PX: Final = 240


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--images", type=Path, required=True, help="folder of photos")
    parser.add_argument(
        "--fixations", type=Path, help='{file: {"width", "height", "fixations_xy"}}'
    )
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument("--limit", type=int, help="this many photos, the first by hashed name")
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
    if args.fixations is None or args.out is None:
        if args.sheet:
            return 0
        print("bench saliency: --fixations and --out, or --sheet", file=sys.stderr)
        return 2
    recorded = json.loads(args.fixations.read_text("utf-8"))
    names = choose_photos(recorded, args.half, args.limit)
    if not names:
        print(f"bench saliency: no photos in {args.fixations.name}", file=sys.stderr)
        return 2
    predictor = Predictor()
    predictor.warm_up(1)
    network, _ = load_network()
    images = {
        name: measure_photo(args.images / name, recorded[name], predictor, network)
        for name in names
    }
    summary = summarise(images)
    print_table(summary)
    meta = {**describe_machine(), "seed": None, "half": args.half, "photos": len(images),
            "device": str(predictor.device), "threads": torch.get_num_threads(),
            "weights": predictor.version}  # fmt: skip
    args.out.parent.mkdir(parents=True, exist_ok=True)
    result = {"meta": meta, "summary": summary, "images": images}
    args.out.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    return 0


def choose_photos(names: Sequence[str], half: str | None, limit: int | None) -> list[str]:
    """Return the names of one half (or of all), in the order of their hashes: without a seed."""
    digests = {name: hashlib.sha256(name.encode()).digest() for name in names}
    chosen = [name for name in names if half is None or digests[name][0] % 2 == HALVES[half]]
    return sorted(chosen, key=digests.__getitem__)[:limit]


def measure_photo(
    path: Path, recorded: dict[str, Any], predictor: Predictor, network: MSROI
) -> dict[str, Any]:
    """Return the measures of every map of one photo, and the milliseconds of ours."""
    with Image.open(path) as opened:
        photo = opened.convert("RGB")
    started_s = time.perf_counter()
    pixels = predictor.prepare(photo)
    ours = predictor.predict([pixels])[0]
    elapsed_ms = (time.perf_counter() - started_s) * 1000
    shape = (recorded["height"], recorded["width"])
    fixations = locate_fixations(recorded["fixations_xy"], shape)
    centre = centre_weights(len(ours), 1.0).numpy()
    maps = {"foveate": ours, "foveate_centre": ours * centre, "centre": centre}
    maps |= class_activation_maps(network, pixels)
    scores = {name: measure_map(scale_map(maps[name], shape), fixations) for name in MAPS}
    return {**scores, "ms": round(elapsed_ms, 1)}


def class_activation_maps(network: MSROI, pixels: NDArray[np.uint8]) -> dict[str, Map]:
    """Return the maps of the best class and of the best five, drawn as finely as ours."""
    with torch.inference_mode():
        class_maps = network.class_maps(normalise_pixels(torch.from_numpy(pixels[None].copy())))
        best = network.presence(class_maps)[0].topk(5).indices
        evidence = class_maps[0, best].relu().sum(1)  # (1, C, D, h, w) -> (5, h, w)
        finer = smoothing_matrix(evidence.shape[1])
        drawn = finer @ evidence @ finer.T  # -> (5, 4h, 4w)
    return {"cam": drawn[0].numpy(), "cam_top5": drawn.sum(0).numpy()}


def locate_fixations(points_xy: Sequence[Sequence[float]], shape: tuple[int, int]) -> Any:
    """Return the (rows, columns) of fixations inside the photo; one on its rim counts."""
    points = np.asarray(points_xy, np.float64)
    height, width = shape
    columns = np.clip(points[:, 0].astype(int), 0, width - 1)
    return np.clip(points[:, 1].astype(int), 0, height - 1), columns


def scale_map(saliency: Map, shape: tuple[int, int]) -> Map:
    """Return the map at the photo's size."""
    height, width = shape
    scaled = Image.fromarray(saliency).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(scaled)


def measure_map(saliency: Map, fixations: Any) -> dict[str, float]:
    """Return NSS, AUC-Judd and the share of fixations in the hottest quarter of the area."""
    looked_at = saliency[fixations].astype(np.float64)
    spread = float(saliency.std(dtype=np.float64))
    nss = (looked_at.mean() - saliency.mean(dtype=np.float64)) / spread if spread > 0 else 0.0
    elsewhere = np.ones(saliency.shape, bool)
    elsewhere[fixations] = False
    negatives = np.sort(saliency[elsewhere])
    below = np.searchsorted(negatives, looked_at, "left")
    at_most = np.searchsorted(negatives, looked_at, "right")
    return {
        "nss": round(float(nss), 4),
        "auc_judd": round(float(np.mean(below + at_most)) / 2 / negatives.size, 4),
        "captured_25": round(float(salient_region(saliency)[fixations].mean()), 4),
    }


def summarise(images: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the means over the photos."""
    rows = list(images.values())
    summary: dict[str, Any] = {
        name: {key: round(statistics.fmean(row[name][key] for row in rows), 4) for key in MEASURES}
        for name in MAPS
    }
    return {**summary, "ms_per_image": statistics.median(row["ms"] for row in rows)}


def print_table(summary: dict[str, Any]) -> None:
    """Print each map's means."""
    print(f"{'map':<16}" + "".join(f"{key:>13}" for key in MEASURES))
    for name in MAPS:
        print(f"{name:<16}" + "".join(f"{summary[name][key]:>13.3f}" for key in MEASURES))
    print(f"{summary['ms_per_image']:.1f} ms per image")


def draw_sheet(folder: Path, out: Path, stems: Sequence[str] | None) -> None:
    """Write one JPEG with photos and, to the right of each, its map."""
    chosen = sorted(path for path in folder.iterdir() if not stems or path.stem in stems)
    predictor = Predictor()
    tiles = []
    for path in chosen:
        with Image.open(path) as opened:
            photo = opened.convert("RGB")
        saliency = predictor.predict([predictor.prepare(photo)])[0]
        photo.thumbnail((SHEET_PHOTO_PX, SHEET_PHOTO_PX))
        grey = Image.fromarray(np.uint8(saliency * 255))
        tile = Image.new("RGB", (2 * SHEET_PHOTO_PX, SHEET_PHOTO_PX), "white")
        tile.paste(photo, (SHEET_PHOTO_PX - photo.width, 0))
        tile.paste(grey.resize(photo.size, Image.Resampling.BICUBIC), (SHEET_PHOTO_PX, 0))
        ImageDraw.Draw(tile).text((4, SHEET_PHOTO_PX - 14), path.stem, "black")
        tiles.append(tile)
    rows = -(-len(tiles) // SHEET_COLUMNS)
    sheet = Image.new("RGB", (SHEET_COLUMNS * 2 * SHEET_PHOTO_PX, rows * SHEET_PHOTO_PX), "white")
    for index, tile in enumerate(tiles):
        row, column = divmod(index, SHEET_COLUMNS)
        sheet.paste(tile, (column * 2 * SHEET_PHOTO_PX, row * SHEET_PHOTO_PX))
    out.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(out, quality=80, optimize=True)
