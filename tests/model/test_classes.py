"""The list of classes: whole, without doubles, and what the network's weights were made for."""

import csv
import json
import re
from pathlib import Path

import pytest

from model.checkpoint import read_checkpoint
from model.classes import CLASSES_FILE, parse_ranges, read_classes
from model.weights_file import SHIPPED_WEAK_WEIGHTS, SHIPPED_WEIGHTS


def test_every_synset_is_in_one_class() -> None:
    synsets = [synset for entry in read_classes() for synset in entry.synsets]
    assert sorted(synsets) == list(range(1000))


def test_a_category_of_coco_is_in_one_class_and_a_folder_means_one_object() -> None:
    categories = [category for entry in read_classes() for category in entry.coco]
    assert len(categories) == len(set(categories)) > 40
    objects = [
        folder for entry in read_classes() if entry.name != "face" for folder in entry.folders
    ]
    assert len(objects) == len(set(objects)) > 90


def test_names_are_plain_and_unique() -> None:
    names = [entry.name for entry in read_classes()]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z]+( [a-z]+)?", name) for name in names)
    assert {"person", "face", "text", "dog", "car"} <= set(names)
    assert all(entry.covers for entry in read_classes())


@pytest.mark.parametrize("weights", [SHIPPED_WEIGHTS, SHIPPED_WEAK_WEIGHTS])
def test_the_shipped_weights_have_these_classes(weights: Path) -> None:
    config, *_ = read_checkpoint(weights)
    assert config.classes == tuple(entry.name for entry in read_classes())


def test_ranges_are_read() -> None:
    assert parse_ranges("3 5-7 9-9") == [3, 5, 6, 7, 9]
    assert parse_ranges("") == []
    with pytest.raises(ValueError, match="invalid literal"):
        parse_ranges("dog")


def test_the_file_has_a_line_for_each_class() -> None:
    lines = CLASSES_FILE.read_text("utf-8").splitlines()
    assert len(lines) == len(read_classes()) + 2
    assert json.loads(lines[1].rstrip(","))["name"] == read_classes()[0].name


@pytest.mark.data
def test_synsets_folders_and_categories_are_those_of_the_data(data_dir: Path) -> None:
    with (data_dir / "train" / "imagenet_synsets.tsv").open(encoding="utf-8") as file:
        words = {
            int(row["class_index"]): row["words"] for row in csv.DictReader(file, delimiter="\t")
        }
    of_synset = {synset: entry.name for entry in read_classes() for synset in entry.synsets}
    found = {words[synset].split(",")[0]: name for synset, name in of_synset.items()}
    assert found["Chihuahua"] == found["Mexican hairless"] == "dog"
    assert found["tabby"] == found["Egyptian cat"] == "cat"
    assert (found["pizza"], found["zebra"], found["castle"]) == (
        "food",
        "hoofed animal",
        "building",
    )
    for source in ("caltech101", "pacs_photo"):
        folders = {path.name for path in (data_dir / "train" / source).iterdir()}
        known = {folder for entry in read_classes() for folder in entry.folders}
        assert folders - known <= {"BACKGROUND_Google"}
    labels = json.loads((data_dir / "coco" / "labels.json").read_text("utf-8"))
    shown = {found["class"] for photo in labels.values() for found in photo["objects"]}
    assert {category for entry in read_classes() for category in entry.coco} & shown
