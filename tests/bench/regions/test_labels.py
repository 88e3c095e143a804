"""Labels are read from COCO's list, and classes from the network's."""

import json
from pathlib import Path

import pytest

from bench.regions.labels import Labelled, check_names, read_classes, read_objects
from model.training.photos import is_kept_aside
from worker.image.regions import Box

CLASSES = [
    {"name": "dog", "synsets": ["n02085620"], "coco": ["dog"], "covers": "dogs"},
    {"name": "vehicle", "synsets": [], "coco": ["car", "bus"], "covers": "cars and buses"},
    {"name": "tower", "synsets": ["n02814860"], "coco": [], "covers": "towers"},
]


def write(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


def test_classes_have_categories_and_synsets(tmp_path: Path) -> None:
    classes = read_classes(write(tmp_path / "classes.json", {"classes": CLASSES}))
    assert classes.categories["vehicle"] == {"car", "bus"}
    assert classes.synsets["dog"] == ("n02085620",)
    assert classes.covered == {"dog", "car", "bus"}
    check_names(classes, ("dog", "vehicle", "tower"))
    with pytest.raises(ValueError, match="the network"):
        check_names(classes, ("vehicle", "dog", "tower"))


@pytest.mark.parametrize("content", [[], {}, {"classes": [{"name": "dog"}]}, {"classes": 7}])
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
