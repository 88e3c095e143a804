"""Labels are read from COCO's list, and classes from the network's."""

import json
from pathlib import Path

import pytest

from bench.regions.labels import Labelled, list_classes, read_objects
from model.onnx_predictor import OnnxPredictor
from model.training.photos import HELD_FOLD, coco_fold_of
from worker.image.regions import Box


def test_classes_have_categories_and_synsets() -> None:
    classes = list_classes()
    assert tuple(classes.categories) == OnnxPredictor().classes
    assert classes.categories["dog"] == {"dog"}
    assert 151 in classes.synsets["dog"]
    # COCO labels no faces, but faces are people's.
    assert classes.categories["face"] == classes.categories["person"] == {"person"}
    assert {"dog", "car", "person"} < classes.covered


def test_the_halves_share_no_photo(tmp_path: Path) -> None:
    labels = {
        f"{number}.jpg": {
            "width": 10,
            "height": 10,
            "objects": [{"class": "dog", "box": [0.1, 0.2, 0.3, 0.4]}],
        }
        for number in range(40)
    }
    (tmp_path / "labels.json").write_text(json.dumps(labels))
    measuring, learning = (read_objects(tmp_path, half) for half in ("measuring", "learning"))
    assert measuring.keys() | learning.keys() == labels.keys()
    assert not measuring.keys() & learning.keys()
    assert len(measuring) in range(10, 31)
    assert {coco_fold_of(name) for name in measuring} == {HELD_FOLD}
    (labelled,) = next(iter(measuring.values()))
    assert labelled == Labelled("dog", Box(0.1, 0.2, pytest.approx(0.4), pytest.approx(0.6)))
