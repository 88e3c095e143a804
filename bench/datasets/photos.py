"""The photos of `bench rd`: which, at what size, with which gaze and which map."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from bench.datasets.folds import choose_photos
from bench.metrics.full_reference import Picture

SUFFIXES: Final = (".png", ".ppm", ".bmp", ".tif", ".tiff", ".webp", ".jpg", ".jpeg")
# Of the smallest step of --ladder; below it PSNR-HVS has too few blocks to mean anything.
LADDER_FROM_PX: Final = 64


@dataclass(frozen=True)
class Photo:
    """One photo to be measured, not yet read."""

    name: str
    """Its path below the folder, with "@LONGEST SIDE" behind it on the ladder."""
    path: Path
    group: str
    """The folder it lies in, below the one that was given; "" right inside."""
    halved: bool = False
    longest_px: int | None = None
    """Longest side it is resized to; None keeps its size."""
    fixations_xy: tuple[tuple[float, float], ...] = ()
    """Where people looked, as shares of width and height."""
    map_path: Path | None = None


def find_photos(
    folder: Path, fixations: Mapping[str, Any], fold: str | None, limit: int | None
) -> dict[str, Path]:
    """Return the photos below a folder by their relative paths, those with fixations if there are any.

    Without fold and limit all, sorted; else the first by hashed name, as `bench saliency` does.
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
        ValueError: the file is not ``{file: {"width", "height", "fixations_xy"}}``.
    """
    try:
        recorded = json.loads(path.read_text("utf-8"))
        return {
            name: tuple((x / own["width"], y / own["height"]) for x, y in own["fixations_xy"])
            for name, own in recorded.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path.name} is no file of fixations ({error!r})") from error


def plan_photos(
    paths: Mapping[str, Path],
    fixations: Mapping[str, Any],
    maps: Path | None,
    halved: bool,
    steps: int | None,
) -> list[Photo]:
    """Return what is measured of the photos found: each once, or at every size of the ladder."""
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
        planned += list(climb_ladder(photo, steps)) if steps else [photo]
    return planned


def climb_ladder(photo: Photo, steps: int) -> Iterator[Photo]:
    """Give the photo at so many sizes, in equal ratios up to its own; fewer where they'd repeat."""
    try:
        with Image.open(photo.path) as opened:
            longest_px = max(opened.size)
    except (OSError, ValueError, Image.DecompressionBombError):
        yield photo  # whoever reads it says why it can't
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
    """Return the pixels to be encoded.

    Raises:
        ValueError: it can't be read, or is 65,500 pixels or longer.
    """
    try:
        with Image.open(photo.path) as opened:
            picture = ImageOps.exif_transpose(opened).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"can't be read ({type(error).__name__}: {error})") from error
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
    """Return fixations in pixels of a picture of that (height, width)."""
    height, width = shape
    return [[x * width, y * height] for x, y in fixations_xy]


def read_map(path: Path) -> NDArray[np.float32]:
    """Return a saliency map that lies as an array in [0, 1].

    Raises:
        ValueError: there is none, or it is no such array.
    """
    try:
        saliency: NDArray[np.float32] = np.load(path).astype(np.float32)
    except (OSError, ValueError) as error:
        raise ValueError(f"no map {path.name} ({type(error).__name__})") from error
    if saliency.ndim != 2 or not (saliency.min() >= 0 and saliency.max() <= 1):
        raise ValueError(f"{path.name} is no map: (h, w) in 0..1")
    return saliency
