"""Photos for training: folds by file name, and weak labels from the names of folders.

The fold depends on the file's name only. So all commands divide the photos alike, and adding photos
moves none.
"""

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDS: Final = 5
HELD_FOLD: Final = 0

SUFFIXES: Final = {".jpg", ".jpeg", ".png"}
# In PERSON_SOURCES, the PERSON_FOLDERS show people, the UNLABELLED_FOLDERS may, and others don't.
# ImageNet's labels never say whether a person is in the photo.
PERSON_SOURCES: Final = {"caltech101", "pacs_photo"}
PERSON_FOLDERS: Final = {"person", "Faces", "Faces_easy"}
UNLABELLED_FOLDERS: Final = {"BACKGROUND_Google"}


def fold_of(name: str) -> int:
    """Return the fold of a photo, 0 to 4."""
    return hashlib.sha256(name.encode()).digest()[0] % FOLDS


def is_held(name: str) -> bool:
    """Return whether a photo is held out from all training, fitting and choosing."""
    return fold_of(name) == HELD_FOLD


@dataclass(frozen=True)
class Photo:
    """A photo and the labels from its folder; None where the folder says nothing."""

    path: Path
    synset: int | None  # index into ImageNet's 1,000
    person: bool | None


def find_photos(root: Path) -> list[Photo]:
    """Return the photos below `root` that are not held out, sorted by path.

    Raises:
        FileNotFoundError: `root` has no imagenet_synsets.tsv or no photos.
    """
    with (root / "imagenet_synsets.tsv").open(encoding="utf-8") as file:
        rows = csv.DictReader(file, delimiter="\t")
        synsets = {row["wnid"]: int(row["class_index"]) for row in rows}
    photos = sorted(describe_photos(root, synsets), key=lambda photo: str(photo.path))
    if not photos:
        raise FileNotFoundError(f"no photos below {root}")
    return photos


def describe_photos(root: Path, synsets: dict[str, int]) -> Iterator[Photo]:
    """Yield each photo below `root` that is not held out."""
    listed = read_listed_synsets(root / "imagenet_val" / "labels.tsv")
    for path in root.rglob("*"):
        if path.suffix.lower() not in SUFFIXES or is_held(path.name):
            continue
        source, folder = path.relative_to(root).parts[0], path.parent.name
        # The synset is the folder's name or the first part of the file's name.
        named = synsets.get(folder, synsets.get(path.stem.split("_")[0]))
        person = None
        if source in PERSON_SOURCES and folder not in UNLABELLED_FOLDERS:
            person = folder in PERSON_FOLDERS
        yield Photo(path, listed.get(path.name, named), person)


def read_listed_synsets(path: Path) -> dict[str, int]:
    """Return the class index by file name; empty if the list does not exist."""
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8") as file:
        return {
            row["file"]: int(row["class_index"]) for row in csv.DictReader(file, delimiter="\t")
        }
