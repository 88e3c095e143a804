"""The network's classes and what each covers, from classes.json."""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

CLASSES_FILE: Final = Path(__file__).parent / "classes.json"


@dataclass(frozen=True)
class ClassEntry:
    """A class, and the labels of public data sets that mean it."""

    name: str  # a plain word or short phrase
    covers: str  # the same in more words
    synsets: frozenset[int]  # indices into ImageNet's 1,000
    folders: frozenset[str]  # of Caltech-101 and PACS
    coco: frozenset[str]  # categories of COCO; empty where they cover only a part of the class


@lru_cache
def read_classes() -> tuple[ClassEntry, ...]:
    """Return the classes in the order of the network's outputs."""
    return tuple(
        ClassEntry(
            entry["name"],
            entry["covers"],
            frozenset(parse_ranges(entry["imagenet"])),
            frozenset(entry["folders"]),
            frozenset(entry["coco"]),
        )
        for entry in json.loads(CLASSES_FILE.read_text("utf-8"))
    )


def parse_ranges(text: str) -> list[int]:
    """Return the numbers of "3 5-7": 3, 5, 6, 7."""
    numbers: list[int] = []
    for part in text.split():
        first, _, last = part.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    return numbers
