"""Synthetic photos, labels and soft labels for training."""

import csv
import json
from itertools import count, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.training.labels.targets import SoftLabels, name_photos
from model.training.photos import HELD_FOLD, Photo, coco_fold_of, is_held
from tests.photos import photo


def photo_names(
    number: int, *, held: bool = False, start: str = "photo", suffix: str = ".jpg"
) -> list[str]:
    """Return file names of photos that are, or are not, in the held-out fold."""
    endless = (f"{start}{index}{suffix}" for index in count())
    return list(islice((name for name in endless if is_held(name) == held), number))


def coco_names(number: int, *, held: bool = False) -> list[str]:
    """Return file names of photos that are, or are not, in the half of COCO that is held out."""
    endless = (f"scene{index}.jpg" for index in count())
    wanted = (name for name in endless if (coco_fold_of(name) == HELD_FOLD) == held)
    return list(islice(wanted, number))


def write_photo(path: Path, pixels: NDArray[np.uint8] | None = None) -> Path:
    """Write pixels, grey ones by default, as an image file; create its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if pixels is None:
        pixels = np.full((6, 8, 3), 128, np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def write_synsets(root: Path, wnids: list[str]) -> None:
    """Write imagenet_synsets.tsv with its rows in reverse order."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / "imagenet_synsets.tsv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t")
        writer.writerow(["class_index", "wnid", "words"])
        rows = [(index, wnid, f"word{index}, other words") for index, wnid in enumerate(wnids)]
        writer.writerows(reversed(rows))


def write_data(root: Path) -> None:
    """Write photos: train/ (12), fixations/ (8) and coco/ (4), with 3 more of each held out."""
    write_synsets(root / "train", [f"n{index:07}" for index in range(1000)])
    for folder in ("imagenette/n0000003", "caltech101/Faces", "pacs_photo/dog"):
        for number, name in enumerate([*photo_names(4), *photo_names(1, held=True)]):
            write_photo(root / "train" / folder / name, photo(90, 60, number))
    scenes = {}
    for number, name in enumerate([*coco_names(4), *coco_names(3, held=True)]):
        write_photo(root / "coco" / name, photo(90, 60, number))
        objects = [{"class": kind, "box": [0.1, 0.1, 0.5, 0.5]} for kind in ("dog", "car")]
        scenes[name] = {"width": 90, "height": 60, "objects": objects[number % 2 :]}
    (root / "coco" / "labels.json").write_text(json.dumps(scenes))
    recorded = {}
    for seed, name in enumerate([*photo_names(8), *photo_names(3, held=True)]):
        write_photo(root / "fixations" / "synthetic" / name, photo(120, 80, seed))
        points = (np.random.default_rng(seed).random((9, 2)) * (120, 80)).tolist()
        recorded[name] = {"width": 120, "height": 80, "fixations_xy": points}
    (root / "fixations" / "synthetic" / "fixations.json").write_text(json.dumps(recorded))


def draw_soft_labels(photos: list[Photo], *, seed: int = 0) -> SoftLabels:
    """Return random soft labels of photos, with a face and two activation maps each."""
    random = np.random.default_rng(seed)
    count = len(photos)
    faces = np.zeros((count, 3, 5), np.float32)
    faces[:, 0] = [0.2, 0.2, 0.4, 0.5, 0.8]
    faces[:, 0, 4] = random.random(count)
    return SoftLabels(
        name_photos(photos),
        random.dirichlet(np.full(1000, 0.01), count).astype(np.float16),
        faces,
        random.random(count).astype(np.float32) * 0.01,
        random.integers(256, size=(count, 5, 5)).astype(np.uint8),
        random.integers(1000, size=(count, 2)).astype(np.int16),
        random.integers(256, size=(count, 2, 5, 5)).astype(np.uint8),
    )
