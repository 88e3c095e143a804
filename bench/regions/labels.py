"""Labelled objects of photos, and which of our classes are right for them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from model.training.photos import is_kept_aside
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
    synsets: Mapping[str, tuple[str, ...]]
    """By the class's name: its WordNet ids in ImageNet."""

    @property
    def covered(self) -> frozenset[str]:
        """The categories that at least one class covers."""
        return frozenset().union(*self.categories.values())


def read_classes(path: Path) -> Classes:
    """Return the classes of a file: ``{"classes": [{"name", "synsets", "coco", …}]}``.

    Raises:
        ValueError: the file has another form.
    """
    try:
        rows: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))["classes"]
        return Classes(
            {row["name"]: frozenset(row["coco"]) for row in rows},
            {row["name"]: tuple(row["synsets"]) for row in rows},
        )
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path.name} is no list of classes: {error!r}") from error


def check_names(classes: Classes, names: Sequence[str]) -> None:
    """Check that the classes are the network's.

    Raises:
        ValueError: when they are not.
    """
    if tuple(classes.categories) != tuple(names):
        raise ValueError(f"the list has {[*classes.categories]}, the network {[*names]}")


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
