"""Sheets of enlarged crops: ours beside the rivals, all at the standard JPEG's bytes.

Each photo has two rows, where the map is highest and where it is lowest. The columns are the
original, the standard JPEG, mozjpeg, jpegli, Foveate's default and its strength 1.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.datasets.photos import Photo, find_photos, plan_photos, read_photo
from bench.encoders import decode, encode_ours, encode_standard, parse_quality, prepare_rival
from bench.environment import find_data
from bench.metrics import Picture
from bench.metrics.regions import scale_map
from bench.rd.crops import crop, locate_crop
from bench.rd.equal_bytes import enclose_bytes
from codec.jpeg.quantize.tuning import DEFAULT_STRENGTH
from codec.settings import Tune

RIVALS: Final = ("mozjpeg", "jpegli")
STRENGTHS: Final = (DEFAULT_STRENGTH, 1.0)
ZOOM: Final = 2
GAP_PX: Final = 6
# Of WebP: the sheet's own losses must be smaller than those that it shows.
SHEET_QUALITY: Final = 85


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add("--images", type=Path, default=find_data() / "kodak", help="folder of photos (%(default)s)")
    add("--limit", type=int, default=10, help="photos, the first by hashed name (%(default)s)")
    add("--quality", type=parse_quality, nargs="+", default=[30, 50, 75], help="(30 50 75)")
    add("--tune", choices=get_args(Tune), default="perceptual", help="(%(default)s)")
    add("--out", type=Path, required=True, help="folder of the sheets")


def run(args: argparse.Namespace) -> int:
    """Write a sheet for each quality; return the exit code."""
    photos = plan_photos(
        find_photos(args.images, {}, None, args.limit), {}, None, halved=False, steps=None
    )
    if not photos:
        print(f"bench crop-sheet: no photos in {args.images.name}", file=sys.stderr)
        return 2
    args.out.mkdir(parents=True, exist_ok=True)
    for quality in args.quality:
        rows = [row for photo in photos for row in cut_rows(photo, quality, args.tune)]
        path = args.out / f"crops-q{quality}.webp"
        join_rows(rows).save(path, quality=SHEET_QUALITY, method=6)
        print(path)
    print("photos:", ", ".join(photo.name for photo in photos))
    return 0


def cut_rows(photo: Photo, quality: int, tune: Tune) -> list[list[Image.Image]]:
    """Return the crops of all columns where the map is highest, and where it is lowest."""
    from bench.rd.measure import load_prediction  # noqa: PLC0415 -- loads PyTorch

    image = read_photo(photo)
    saliency = load_prediction()(image)
    shown = [Image.fromarray(picture) for picture in encode_all(image, saliency, quality, tune)]
    heat = scale_map(saliency, (image.shape[0], image.shape[1]))
    corners = [locate_crop(heat), locate_crop(1 - heat)]
    return [[crop(picture, corner) for picture in shown] for corner in corners]


def encode_all(
    image: Picture, saliency: NDArray[np.float32], quality: int, tune: Tune
) -> Iterator[Picture]:
    """Yield the original and every encoder's picture at the standard JPEG's bytes."""
    yield image
    standard = encode_standard(image, quality)
    yield decode(standard)
    for name in RIVALS:
        pair = enclose_bytes(prepare_rival(name, image, saliency, quality), len(standard))
        yield decode(min(pair, key=lambda file: abs(len(file.jpeg) - len(standard))).jpeg)
    for strength in STRENGTHS:
        yield decode(encode_ours(image, saliency, quality, strength, tune=tune)[0])


def join_rows(rows: list[list[Image.Image]]) -> Image.Image:
    """Return one picture of all crops, enlarged without smoothing."""
    width = max(crop.width for row in rows for crop in row) * ZOOM + GAP_PX
    height = max(crop.height for row in rows for crop in row) * ZOOM + GAP_PX
    sheet = Image.new("RGB", (width * len(rows[0]) - GAP_PX, height * len(rows) - GAP_PX), "white")
    for y, row in enumerate(rows):
        for x, own in enumerate(row):
            large = own.resize((own.width * ZOOM, own.height * ZOOM), Image.Resampling.NEAREST)
            sheet.paste(large, (x * width, y * height))
    return sheet
