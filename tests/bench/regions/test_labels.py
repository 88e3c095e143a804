"""Labels are read from COCO's list, and classes from the network's."""

import json
from pathlib import Path

import pytest

from bench.regions.labels import (
    Labelled,
    check_names,
    is_kept_aside,
    parse_ranges,
    read_classes,
    read_objects,
)
from worker.image.regions import Box

CLASSES = [
    {"name": "dog", "imagenet": "151-153 160", "coco": ["dog"], "covers": "dogs"},
    {"name": "vehicle", "imagenet": "", "coco": ["car", "bus"], "covers": "cars and buses"},
    {"name": "tower", "imagenet": "437", "coco": [], "covers": "towers"},
    {"name": "face", "imagenet": "", "coco": [], "covers": "faces of people"},
]


def write(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


def test_classes_have_categories_and_synsets(tmp_path: Path) -> None:
    classes = read_classes(write(tmp_path / "classes.json", CLASSES))
    assert classes.categories["vehicle"] == {"car", "bus"}
    assert classes.synsets["dog"] == {151, 152, 153, 160}
    assert classes.categories["face"] == {"person"}
    assert classes.covered == {"dog", "car", "bus", "person"}
    check_names(classes, ("dog", "vehicle", "tower", "face"))
    with pytest.raises(ValueError, match="the network"):
        check_names(classes, ("vehicle", "dog", "tower", "face"))


def test_ranges_are_inclusive() -> None:
    assert parse_ranges("3 5-7") == [3, 5, 6, 7]
    assert parse_ranges("") == []


@pytest.mark.parametrize(
    "content",
    [
        {"classes": CLASSES},
        7,
        [{"name": "dog"}],
        [{"name": "dog", "imagenet": "a-b", "coco": []}],
        [{"name": "dog", "imagenet": 7, "coco": []}],
        [{"name": "dog", "imagenet": "", "coco": None}],
    ],
)
def test_a_list_of_another_form_is_refused(tmp_path: Path, content: object) -> None:
    with pytest.raises(ValueError, match=r"classes\.json is no list"):
        read_classes(write(tmp_path / "classes.json", content))


def test_the_halves_share_no_photo(tmp_path: Path) -> None:
    labels = {
        f"{number}.jpg": {
            "width": 10,
            "height": 10,
            "objects": [{"class": "dog", "box": [0.1, 0.2, 0.3, 0.4]}],
        }
        for number in range(40)
    }
    write(tmp_path / "labels.json", labels)
    measuring, learning = (read_objects(tmp_path, half) for half in ("measuring", "learning"))
    assert measuring.keys() | learning.keys() == labels.keys()
    assert not measuring.keys() & learning.keys()
    assert len(measuring) in range(10, 31)
    assert all(map(is_kept_aside, measuring))
    (labelled,) = next(iter(measuring.values()))
    assert labelled == Labelled("dog", Box(0.1, 0.2, pytest.approx(0.4), pytest.approx(0.6)))
