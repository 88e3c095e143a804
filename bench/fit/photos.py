"""The photos of a fit, and their split into those that are fitted and those for validation.

Kodak's photos and photos held out of the network's training are never used. By their hashed names
half of the photos are halved. The other JPEGs lose 4 pixels at each side, so that every block straddles
four blocks of the source and coefficients have no gaps that its quantization left.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, Literal

from bench.datasets.photos import Photo, find_photos, plan_photos, read_fixations

Split = Literal["fit", "validation"]
_GAZE: Final = "fixations.json"
_JPEG: Final = {".jpg", ".jpeg"}
_KODAK: Final = "kodim"
_VALIDATION_SHARE: Final = 4


def choose_photos(folders: Sequence[Path], split: Split, limit: int) -> list[Photo]:
    """Return at most `limit` photos of each folder and split, in the order of their hashed names.

    With a `fixations.json` in a folder, they have its gaze.
    """
    chosen: list[Photo] = []
    for folder in folders:
        fixations = read_fixations(folder / _GAZE) if (folder / _GAZE).exists() else {}
        paths = find_photos(folder, fixations, "training", None)
        photos = plan_photos(paths, fixations, None, halved=False, steps=None)
        own = [photo for photo in photos if find_split(photo) == split]
        chosen += [_vary_size(photo) for photo in own[:limit]]
    return chosen


def find_split(photo: Photo) -> Split | None:
    """Return the split of a photo by its hashed name: one in four is for validation."""
    if photo.path.name.startswith(_KODAK):
        return None
    return "fit" if _hash(photo) % _VALIDATION_SHARE else "validation"


def _vary_size(photo: Photo) -> Photo:
    if _hash(photo) // _VALIDATION_SHARE % 2:
        return replace(photo, name=f"{photo.name}@half", halved=True)
    return replace(photo, off_grid=photo.path.suffix.lower() in _JPEG)


def _hash(photo: Photo) -> int:
    return hashlib.sha256(photo.name.encode()).digest()[-1]
