"""Mosaics of photos of different classes, to measure whether a map finds every object.

Each object is assumed to be in the middle of its tile. The hottest 10 % of the area can cover half of
at most two boxes of 2×2 tiles, and five of 3×3 tiles: the upper limit of ``half_10``.
"""

import csv
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from PIL import Image, ImageOps

from bench.datasets.folds import in_fold
from bench.metrics.gaze import SEED
from bench.saliency.objects import Box
from model.training.photos import SUFFIXES, UNLABELLED_FOLDERS

SIDE_PX: Final = 480
# Side of the box as a share of its tile.
BOX_SHARE: Final = 0.6
SYNSET: Final = re.compile(r"(n\d{8})_")


def find_classes(folder: Path, fold: str | None) -> dict[str, list[Path]]:
    """Return the photos below a folder by their class, both sorted.

    A photo's class is taken from ``labels.tsv`` in its folder (columns ``file`` and ``wnid`` or
    ``class_index``), else from the WordNet id at the start of its name, else from its folder's name.
    """
    classes: dict[str, list[Path]] = {}
    listed: dict[Path, dict[str, str]] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in SUFFIXES or path.parent.name in UNLABELLED_FOLDERS:
            continue
        if path.parent not in listed:
            listed[path.parent] = read_labels(path.parent / "labels.tsv")
        if in_fold(path.name, fold):
            synset = SYNSET.match(path.name)
            fallback = synset[1] if synset else path.parent.name
            classes.setdefault(listed[path.parent].get(path.name, fallback), []).append(path)
    return dict(sorted(classes.items()))


def read_labels(path: Path) -> dict[str, str]:
    """Return the class by file name; an empty dictionary if there is no such file."""
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8") as file:
        rows = csv.DictReader(file, delimiter="\t")
        return {row["file"]: row.get("wnid") or row["class_index"] for row in rows}


def plan_mosaics(
    classes: dict[str, list[Path]], side: int, count: int
) -> Iterator[tuple[Path, ...]]:
    """Yield the photos of each mosaic of side × side tiles, row by row.

    They are drawn with `SEED`: a smaller count gives the first mosaics of a larger one.

    Raises:
        ValueError: there are fewer classes than tiles.
    """
    order = random.Random(SEED)
    for _ in range(count):
        yield tuple(order.choice(classes[name]) for name in order.sample(list(classes), side**2))


def draw_mosaic(paths: Sequence[Path], side: int) -> Image.Image:
    """Return the RGB mosaic, about `SIDE_PX` wide and high; each photo fills an equal square."""
    tile_px = SIDE_PX // side
    mosaic = Image.new("RGB", (side * tile_px, side * tile_px))
    for index, path in enumerate(paths):
        row, column = divmod(index, side)
        with Image.open(path) as opened:
            tile = ImageOps.fit(opened.convert("RGB"), (tile_px, tile_px))
        mosaic.paste(tile, (column * tile_px, row * tile_px))
    return mosaic


def locate_objects(side: int) -> list[Box]:
    """Return the box of each tile's object, row by row, in pixels of the mosaic (inclusive)."""
    tile_px = SIDE_PX // side
    box_px = round(BOX_SHARE * tile_px)
    starts = [tile * tile_px + (tile_px - box_px) // 2 for tile in range(side)]
    return [(x, y, x + box_px - 1, y + box_px - 1) for y in starts for x in starts]
