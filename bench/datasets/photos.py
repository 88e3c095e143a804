"""The photos that encoders are measured on, with their size, recorded gaze and saliency map."""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from bench.datasets.folds import FOLDS, choose_photos
from bench.datasets.uploads import SUFFIXES as UPLOAD_SUFFIXES
from bench.metrics import Picture

SUFFIXES: Final = {*UPLOAD_SUFFIXES, ".ppm"}
# Longest side of --ladder's smallest size. Below it PSNR-HVS has too few blocks.
LADDER_FROM_PX: Final = 64
OFF_GRID_PX: Final = 4


@dataclass(frozen=True)
class Photo:
    """A photo to be measured, not yet decoded."""

    name: str
    """Path below the folder; with --ladder followed by "@LONGEST SIDE"."""
    path: Path
    group: str
    """Its folder, relative to the given one; "" for the given one itself."""
    halved: bool = False
    longest_px: int | None = None
    """Longest side after resizing; None keeps the size."""
    fixations_xy: tuple[tuple[float, float], ...] = ()
    """Recorded gaze as shares of width and height."""
    map_path: Path | None = None
    off_grid: bool = False
    """Without the outermost `OFF_GRID_PX` at each side, so that blocks straddle a JPEG source's blocks."""


def add_photo_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options that choose photos with their gaze and maps, and the size."""
    add = parser.add_argument
    add("--images", type=Path, required=True, help="folder of photos; each folder below is a group")
    add("--fixations", type=Path, help='recorded gaze: {file: {"width", "height", "fixations_xy"}}')
    add(
        "--maps", type=Path, help="folder of saliency maps, PHOTO.npy (default: the network's maps)"
    )
    add(
        "--halve",
        action="store_true",
        help="photos at half their size (2×2 box): if they are JPEGs",
    )
    add("--fold", choices=FOLDS, help="only photos held out of training, or only the others")


def find_photos(
    folder: Path, fixations: Mapping[str, Any], fold: str | None, limit: int | None
) -> dict[str, Path]:
    """Return the photos below a folder by their relative paths.

    With `fixations` only photos with recorded gaze. They are sorted by path, or with a fold or limit
    by hashed name.
    """
    paths = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    found = {path.relative_to(folder).as_posix(): path for path in sorted(paths)}
    if fixations:
        found = {name: path for name, path in found.items() if name in fixations}
    names = list(found) if fold is None and limit is None else choose_photos(found, fold, limit)
    return {name: found[name] for name in names}


def read_fixations(path: Path) -> dict[str, Any]:
    """Return the recorded gaze of each photo, as shares of its width and height.

    Raises:
        ValueError: the content is not ``{file: {"width", "height", "fixations_xy"}}``.
    """
    try:
        recorded = json.loads(path.read_text("utf-8"))
        return {
            name: tuple((x / photo["width"], y / photo["height"]) for x, y in photo["fixations_xy"])
            for name, photo in recorded.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path.name} is not a file of fixations ({error!r})") from error


def plan_photos(
    paths: Mapping[str, Path],
    fixations: Mapping[str, Any],
    maps: Path | None,
    halved: bool,
    steps: int | None,
) -> list[Photo]:
    """Return the photos to measure: each once, or at each size of a ladder of `steps`."""
    planned = []
    for name, path in paths.items():
        group = PurePosixPath(name).parent.as_posix()
        photo = Photo(
            name=name,
            path=path,
            group="" if group == "." else group,
            halved=halved,
            fixations_xy=fixations.get(name, ()),
            map_path=(maps / name).with_suffix(".npy") if maps else None,
        )
        planned += list(vary_size(photo, steps)) if steps else [photo]
    return planned


def vary_size(photo: Photo, steps: int) -> Iterator[Photo]:
    """Yield the photo at up to `steps` sizes in equal ratios, the last one its own."""
    try:
        with Image.open(photo.path) as opened:
            longest_px = max(opened.size)
    except (OSError, ValueError, Image.DecompressionBombError):
        yield photo  # read_photo reports the error
        return
    sizes = np.geomspace(min(LADDER_FROM_PX, longest_px), longest_px, steps)
    for size in sorted({round(size) for size in sizes}):
        yield Photo(
            name=f"{photo.name}@{size}",
            path=photo.path,
            group=photo.group,
            halved=photo.halved,
            longest_px=size,
            fixations_xy=photo.fixations_xy,
            map_path=photo.map_path,
        )


def read_photo(photo: Photo) -> Picture:
    """Return the RGB pixels to be encoded.

    Raises:
        ValueError: the file can't be decoded, or is too small to be halved.
    """
    try:
        with Image.open(photo.path) as opened:
            picture = ImageOps.exif_transpose(opened).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"can't be read ({type(error).__name__}: {error})") from error
    if photo.off_grid:
        if min(picture.size) <= 2 * OFF_GRID_PX:
            raise ValueError("too small to be cropped")
        right, bottom = (side - OFF_GRID_PX for side in picture.size)
        picture = picture.crop((OFF_GRID_PX, OFF_GRID_PX, right, bottom))
    if photo.halved:
        if min(picture.size) < 2:
            raise ValueError("too small to be halved")
        even = picture.crop((0, 0, picture.width // 2 * 2, picture.height // 2 * 2))
        picture = even.reduce(2)
    if photo.longest_px and photo.longest_px < max(picture.size):
        scale = photo.longest_px / max(picture.size)
        size = [max(round(side * scale), 1) for side in picture.size]
        picture = picture.resize((size[0], size[1]), Image.Resampling.LANCZOS)
    return np.asarray(picture)


def locate_gaze(
    fixations_xy: Sequence[tuple[float, float]], shape: tuple[int, int]
) -> list[list[float]]:
    """Return fixations in pixels of a picture of shape (height, width)."""
    height, width = shape
    return [[x * width, y * height] for x, y in fixations_xy]


def read_map(path: Path) -> NDArray[np.float32]:
    """Return a saliency map (h, w) in [0, 1] from an .npy file.

    Raises:
        ValueError: the file is missing or has another content.
    """
    try:
        saliency: NDArray[np.float32] = np.load(path).astype(np.float32)
    except (OSError, ValueError) as error:
        raise ValueError(f"no map {path.name} ({type(error).__name__})") from error
    if saliency.ndim != 2 or not (saliency.min() >= 0 and saliency.max() <= 1):
        raise ValueError(f"{path.name} is not a map: (h, w) in 0..1")
    return saliency
