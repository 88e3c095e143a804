"""Photos with weak labels, which come from the names of their folders."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from model.training.folds import is_held

SUFFIXES: Final = {".jpg", ".jpeg", ".png"}
# Folders whose photos show people or faces, and sources whose other folders show none.
# ImageNet's photos are in neither: it never says whether somebody is in the picture.
FACE_FOLDERS: Final = {"Faces", "Faces_easy"}
PERSON_FOLDERS: Final = {"person", *FACE_FOLDERS}
PEOPLE_NAMED: Final = {"caltech101", "pacs_photo"}
UNLABELLED_FOLDERS: Final = {"BACKGROUND_Google"}


@dataclass(frozen=True)
class Photo:
    """A photo and what its folder says of it; None where it says nothing."""

    path: Path
    synset: int | None  # index into ImageNet's 1,000
    person: bool | None


def find_photos(root: Path) -> list[Photo]:
    """Return the photos below `root` (shared/data/train), without those kept aside, sorted.

    Raises:
        FileNotFoundError: `root` lacks imagenet_synsets.tsv or has no photos.
    """
    with (root / "imagenet_synsets.tsv").open(encoding="utf-8") as file:
        rows = csv.DictReader(file, delimiter="\t")
        synsets = {row["wnid"]: int(row["class_index"]) for row in rows}
    photos = sorted(describe_photos(root, synsets), key=lambda photo: str(photo.path))
    if not photos:
        raise FileNotFoundError(f"no photos below {root}")
    return photos


def describe_photos(root: Path, synsets: dict[str, int]) -> Iterator[Photo]:
    """Yield each photo below `root` that is not kept aside."""
    listed = read_listed_synsets(root / "imagenet_val" / "labels.tsv")
    for path in root.rglob("*"):
        if path.suffix.lower() not in SUFFIXES or is_held(path.name):
            continue
        source, folder = path.relative_to(root).parts[0], path.parent.name
        # The synset is the folder's name, or the file's name begins with it.
        named = synsets.get(folder, synsets.get(path.stem.split("_")[0]))
        person = None
        if source in PEOPLE_NAMED and folder not in UNLABELLED_FOLDERS:
            person = folder in PERSON_FOLDERS
        yield Photo(path, listed.get(path.name, named), person)


def read_listed_synsets(path: Path) -> dict[str, int]:
    """Return the class index by file name; empty where there is no such list."""
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8") as file:
        return {
            row["file"]: int(row["class_index"]) for row in csv.DictReader(file, delimiter="\t")
        }
