"""Labelled objects of photos, and which of our classes are right for them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from worker.image.regions import Box

HALVES: Final = ("measuring", "learning")
LEAST_AREA: Final = 0.03
FACE: Final = "face"
PERSON: Final = "person"


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


def read_classes(path: Path) -> Classes:
    """Return the classes of a list of ``{"name", "imagenet", "coco"}``.

    ``imagenet`` has indices and ranges of them, as "3 5-7". A face is one of a person.

    Raises:
        ValueError: the file has another form.
    """
    try:
        rows: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))
        categories = {row["name"]: frozenset(row["coco"]) for row in rows}
        synsets = {row["name"]: frozenset(parse_ranges(row["imagenet"])) for row in rows}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path.name} is no list of classes: {error!r}") from error
    if FACE in categories:
        categories[FACE] = frozenset({PERSON})
    return Classes(categories, synsets)


def parse_ranges(text: str) -> list[int]:
    """Return the numbers of "3 5-7": 3, 5, 6, 7.

    Raises:
        ValueError: when a part is no number or range.
    """
    numbers: list[int] = []
    for part in text.split():
        first, _, last = part.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    return numbers


def check_names(classes: Classes, names: Sequence[str]) -> None:
    """Check that the classes are the network's.

    Raises:
        ValueError: when they are not.
    """
    if tuple(classes.categories) != tuple(names):
        raise ValueError(f"the list has {[*classes.categories]}, the network {[*names]}")


def is_kept_aside(name: str) -> bool:
    """Return whether a photo is kept for measuring; about half are, the others may be learnt from."""
    return hashlib.sha256(name.encode()).digest()[0] % 2 == 0


def read_objects(folder: Path, half: str) -> dict[str, list[Labelled]]:
    """Return the objects of each photo of a half, by file name."""
    labels = json.loads((folder / "labels.json").read_text("utf-8"))
    return {
        name: [Labelled(each["class"], to_edges(*each["box"])) for each in labels[name]["objects"]]
        for name in sorted(labels)
        if is_kept_aside(name) == (half == "measuring")
    }


def to_edges(left: float, top: float, width: float, height: float) -> Box:
    """Return a box by its edges."""
    return Box(left, top, left + width, top + height)
