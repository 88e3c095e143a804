"""Photos for training: folds by file name, and weak labels from folders, synsets and COCO.

The fold depends on the file's name only. So all commands divide the photos alike, and adding photos
moves none.
"""

import csv
import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from model.classes import read_classes

FOLDS: Final = 5
HELD_FOLD: Final = 0
# Photos that a choice is made on are of this fold.
CHOOSING_FOLD: Final = 1

SUFFIXES: Final = {".jpg", ".jpeg", ".png"}
PERSON: Final = "person"
FACE: Final = "face"
TEXT: Final = "text"
# In PERSON_SOURCES, a folder of the class `person` shows people, an unlabelled one may, and others
# don't. ImageNet's labels never say whether a person is in the photo.
PERSON_SOURCES: Final = {"caltech101", "pacs_photo"}
UNLABELLED_FOLDERS: Final = {"BACKGROUND_Google"}
# The set of recorded gaze whose photos all show people.
CROWD: Final = "crowd"


def digest_name(name: str) -> int:
    """Return the first byte of the SHA-256 of a photo's name."""
    return hashlib.sha256(name.encode()).digest()[0]


def fold_of(name: str) -> int:
    """Return the fold of a photo, 0 to 4."""
    return digest_name(name) % FOLDS


def is_held(name: str) -> bool:
    """Return whether a photo is held out from all training, fitting and choosing."""
    return fold_of(name) == HELD_FOLD


def coco_fold_of(name: str) -> int:
    """Return the fold of a photo of COCO: one half of them is fold 0, as they are few."""
    byte = digest_name(name)
    return HELD_FOLD if byte % 2 == 0 else 1 + byte // 2 % (FOLDS - 1)


@dataclass(frozen=True)
class Photo:
    """A photo and what its data set says about it."""

    path: Path
    fold: int
    synset: int | None = None  # index into ImageNet's 1,000
    present: frozenset[str] = frozenset()  # classes that it shows
    absent: frozenset[str] = frozenset()  # classes that it does not show


def is_single(photo: Photo) -> bool:
    """Return whether the photo's label names its one object."""
    objects = photo.present - {PERSON, FACE, TEXT}
    return bool(objects) and photo.absent <= {PERSON, FACE}


def find_photos(root: Path) -> list[Photo]:
    """Return all photos of one label below `root`, sorted by path.

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


def describe_photos(root: Path, synsets: Mapping[str, int]) -> Iterator[Photo]:
    """Yield each photo below `root`."""
    listed = read_listed_synsets(root / "imagenet_val" / "labels.tsv")
    of_synset = {synset: entry.name for entry in read_classes() for synset in entry.synsets}
    of_folder: dict[str, set[str]] = {}
    for entry in read_classes():
        for folder in entry.folders:
            of_folder.setdefault(folder, set()).add(entry.name)
    for path in root.rglob("*"):
        if path.suffix.lower() not in SUFFIXES:
            continue
        source, folder = path.relative_to(root).parts[0], path.parent.name
        # The synset is the folder's name or the first part of the file's name.
        named = synsets.get(folder, synsets.get(path.stem.split("_")[0]))
        synset = listed.get(path.name, named)
        present, absent = set[str](), set[str]()
        if synset is not None:
            present.add(of_synset[synset])
        elif source in PERSON_SOURCES and folder not in UNLABELLED_FOLDERS:
            present |= of_folder.get(folder, set())
            absent |= {PERSON, FACE} if PERSON not in present else set()
        yield Photo(path, fold_of(path.name), synset, frozenset(present), frozenset(absent))


def read_listed_synsets(path: Path) -> dict[str, int]:
    """Return the class index by file name; empty if the list does not exist."""
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8") as file:
        return {
            row["file"]: int(row["class_index"]) for row in csv.DictReader(file, delimiter="\t")
        }


def find_coco(root: Path) -> list[Photo]:
    """Return the photos of `root`/labels.json, sorted by name, with the classes that they show.

    Only whether a class is present is read, not where.
    """
    labels: dict[str, Any] = json.loads((root / "labels.json").read_text("utf-8"))
    photos = []
    for name, photo in sorted(labels.items()):
        shown = {found["class"] for found in photo["objects"]}
        present = {entry.name for entry in read_classes() if entry.coco & shown}
        absent = {entry.name for entry in read_classes() if entry.coco} - present
        if PERSON in absent:
            absent.add(FACE)
        photos.append(
            Photo(root / name, coco_fold_of(name), None, frozenset(present), frozenset(absent))
        )
    return photos


def find_gazed(root: Path) -> list[Photo]:
    """Return the photos of `root`/<set>/fixations.json, sorted by set and name; gaze is not read."""
    photos = []
    for file in sorted(root.glob("*/fixations.json")):
        present = frozenset({PERSON} if file.parent.name == CROWD else ())
        names = sorted(json.loads(file.read_text("utf-8")))
        photos += [Photo(file.parent / name, fold_of(name), None, present) for name in names]
    return photos


def list_photos(data: Path, left_out: Collection[int]) -> list[Photo]:
    """Return the photos that may be learnt from: of one label, of COCO, and those with gaze."""
    coco = data / "coco"
    photos = [
        *find_photos(data / "train"),
        *(find_coco(coco) if coco.is_dir() else []),
        *find_gazed(data / "fixations"),
    ]
    return [photo for photo in photos if photo.fold not in left_out]
