"""Made-up photos, labels and lessons for training."""

import csv
from itertools import count, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.training.folds import is_held


def names(
    number: int, *, held: bool = False, start: str = "photo", suffix: str = ".jpg"
) -> list[str]:
    """Return names of photos that are, or aren't, kept aside."""
    endless = (f"{start}{index}{suffix}" for index in count())
    return list(islice((name for name in endless if is_held(name) == held), number))


def write_photo(path: Path, pixels: NDArray[np.uint8] | None = None) -> Path:
    """Write pixels (grey ones by default) as an image, its folders included."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if pixels is None:
        pixels = np.full((6, 8, 3), 128, np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def write_synsets(root: Path, wnids: list[str]) -> None:
    """Write imagenet_synsets.tsv, the rows in reverse."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / "imagenet_synsets.tsv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t")
        writer.writerow(["class_index", "wnid", "words"])
        rows = [(index, wnid, f"word{index}, other words") for index, wnid in enumerate(wnids)]
        writer.writerows(reversed(rows))
