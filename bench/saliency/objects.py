"""How many labelled objects a saliency map covers.

Labels: one text file for each photo, with a line ``class x1 y1 x2 y2`` for each object, in pixels
(inclusive); or a .json of COCO, ``{file: {"width", "height", "objects": [{"box": [x, y, w, h]}]}}``
with boxes in shares of the sides.
"""

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.metrics.gaze import AREAS, Map, find_hottest
from model.training.photos import HELD_FOLD, coco_fold_of

Box = tuple[int, int, int, int]  # x1, y1, x2, y2

COVERAGE: Final = tuple(f"{what}_{percent}" for what in ("centre", "half") for percent in AREAS)


# Smaller objects of COCO are left out, as shares of the photo's area.
LEAST_AREA: Final = 0.01


def find_labelled(labels: Path, photos: Path) -> dict[str, tuple[Path, list[Box]]]:
    """Return photo and boxes by file stem; photos without labels and labels without photos are left out.

    Of COCO only the half that trains nothing.
    """
    found: dict[str, tuple[Path, list[Box]]] = {}
    if labels.suffix == ".json":
        for name, photo in sorted(json.loads(labels.read_text("utf-8")).items()):
            boxes = scale_boxes(photo)
            if boxes and coco_fold_of(name) == HELD_FOLD:
                found[Path(name).stem] = (photos / name, boxes)
        return found
    by_stem = {path.stem: path for path in photos.iterdir()}
    for file in sorted(labels.glob("*.txt")):
        boxes = read_boxes(file.read_text("utf-8"))
        if boxes and file.stem in by_stem:
            found[file.stem] = (by_stem[file.stem], boxes)
    return found


def scale_boxes(photo: Mapping[str, Any]) -> list[Box]:
    """Return the boxes of COCO's objects in pixels, without those below `LEAST_AREA`."""
    boxes = []
    for found in photo["objects"]:
        x, y, width, height = found["box"]
        if width * height >= LEAST_AREA:
            right, bottom = (x + width) * photo["width"] - 1, (y + height) * photo["height"] - 1
            left, top = x * photo["width"], y * photo["height"]
            boxes.append((round(left), round(top), round(right), round(bottom)))
    return boxes


def read_boxes(text: str) -> list[Box]:
    """Return the boxes of a label file; class names may contain blanks.

    Raises:
        ValueError: a line is not a class and four numbers.
    """
    boxes = []
    for line in text.splitlines():
        if not line.strip():
            continue
        fields = line.rsplit(maxsplit=4)
        if len(fields) != 5:
            raise ValueError(f"not 'class x1 y1 x2 y2': {line!r}")
        x1, y1, x2, y2 = (round(float(field)) for field in fields[1:])
        boxes.append((x1, y1, x2, y2))
    return boxes


def cover_objects(saliency: Map, boxes: Sequence[Box]) -> list[dict[str, float]]:
    """Return for each object whether its centre, and half of its area, are among the hottest pixels.

    The map has the size of the photo. With tied pixels a centre may count as a fraction.
    """
    height, width = saliency.shape
    rows: list[dict[str, float]] = [{} for _ in boxes]
    for percent, area in AREAS.items():
        region = find_hottest(saliency, area)
        for row, (x1, y1, x2, y2) in zip(rows, boxes, strict=True):
            left, right = np.clip((x1, x2), 0, width - 1)
            top, bottom = np.clip((y1, y2), 0, height - 1)
            inside = region[top : bottom + 1, left : right + 1]
            row[f"centre_{percent}"] = float(region[(top + bottom) // 2, (left + right) // 2])
            row[f"half_{percent}"] = float(inside.size > 0 and inside.mean() >= 0.5)
    return rows


def summarise_objects(rows: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """Return the means over all objects."""
    shares = {key: round(statistics.fmean(row[key] for row in rows), 4) for key in COVERAGE}
    return {"count": len(rows), **shares}
