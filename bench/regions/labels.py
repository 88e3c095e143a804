"""Labelled objects of photos, and which of our classes are right for them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from model.classes import read_classes
from model.training.photos import FACE, HELD_FOLD, PERSON, coco_fold_of
from worker.image.regions import Box

HALVES: Final = ("measuring", "learning")
LEAST_AREA: Final = 0.03


class Labelled(NamedTuple):
    """An object with its category."""

    category: str
    box: Box


@dataclass(frozen=True)
class Classes:
    """The network's classes, in its order, and what they mean elsewhere."""

    categories: Mapping[str, frozenset[str]]
    """By the class's name: the categories of COCO that it covers; none if COCO doesn't label them."""
    synsets: Mapping[str, frozenset[int]]
    """By the class's name: its classes of ImageNet's 1,000, by index."""

    @property
    def covered(self) -> frozenset[str]:
        """The categories that at least one class covers."""
        return frozenset().union(*self.categories.values())


def list_classes() -> Classes:
    """Return the classes of model/classes.json; a face is one of a person."""
    entries = read_classes()
    categories = {entry.name: entry.coco for entry in entries}
    categories[FACE] = frozenset({PERSON})
    return Classes(categories, {entry.name: entry.synsets for entry in entries})


def read_objects(folder: Path, half: str) -> dict[str, list[Labelled]]:
    """Return the objects of each photo of a half, by file name."""
    labels = json.loads((folder / "labels.json").read_text("utf-8"))
    return {
        name: [Labelled(each["class"], to_edges(*each["box"])) for each in labels[name]["objects"]]
        for name in sorted(labels)
        if (coco_fold_of(name) == HELD_FOLD) == (half == "measuring")
    }


def to_edges(left: float, top: float, width: float, height: float) -> Box:
    """Return a box by its edges."""
    return Box(left, top, left + width, top + height)
