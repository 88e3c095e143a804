"""The bench of presence: its figures on small cases, and a run on synthetic photos."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.__main__ import main
from bench.saliency import presence
from bench.saliency.presence import (
    NAMES,
    OURS,
    RIVAL,
    measure_classes,
    measure_decisions,
)
from model.onnx_predictor import OnnxPredictor
from model.weights_file import SHIPPED_INT8_WEIGHTS
from tests.model.training.synthetic import write_data
from tests.photos import photo

DOG, CAT, CAR, PERSON = (NAMES.index(name) for name in ("dog", "cat", "car", "person"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of a few small photos with labels."""
    root = tmp_path_factory.mktemp("data")
    write_data(root)
    return root


def table(rows: list[list[int]]) -> NDArray[np.bool_]:
    """Return which photos show which classes, from the classes of each photo."""
    found = np.zeros((len(rows), len(NAMES)), bool)
    for row, classes in zip(found, rows, strict=True):
        row[classes] = True
    return found


def test_each_class_has_its_precision_and_rare_ones_are_not_counted() -> None:
    truth = table([[DOG], [DOG], [CAT], []])
    known = np.ones_like(truth)
    known[3, DOG] = False
    scores = np.zeros(truth.shape, np.float32)
    scores[:, DOG] = [0.9, 0.5, 0.7, 1.0]  # the last one is unknown
    scores[:, CAT] = [0.0, 0.0, 1.0, 0.0]
    found = measure_classes(scores, truth, known, least=1)
    assert found["classes"] == {
        "dog": {"precision": round((1 + 2 / 3) / 2, 4), "photos": 2},
        "cat": {"precision": 1.0, "photos": 1},
    }
    assert found["counted_classes"] == 2
    assert found["mean_precision"] == pytest.approx((0.8333 + 1) / 2, abs=1e-4)
    assert measure_classes(scores, truth, known, least=2)["mean_precision"] == 0.8333


def test_decisions_are_of_photos_with_a_labelled_object() -> None:
    truth = table([[DOG], [CAT], [CAR], [PERSON]])
    odds = np.full(truth.shape, 0.01, np.float32)
    odds[0, DOG] = 2.0
    odds[1, DOG] = 2.0  # a mistake
    odds[2, :6] = 0.5  # six classes, and not the right one
    odds[3, :9] = 3.0
    found = measure_decisions(odds, truth, np.ones_like(truth), 0.1)
    assert found["right"] == round(1 / 3, 4)
    assert found["usual"] == round(2 / 3, 4)
    assert found["present"] == round((1 + 1 + 6) / 3, 2)
    # The likeliest class is present whatever the threshold is.
    strict = measure_decisions(odds, truth, np.ones_like(truth), 1e9)
    assert strict["right"] == round(1 / 3, 4)
    assert measure_decisions(odds, truth, np.ones_like(truth), None) == {}


def test_the_network_in_8_bits_scores_as_the_service_does() -> None:
    pixels = photo(480, 320)
    found = presence.load_int8(SHIPPED_INT8_WEIGHTS)(pixels)
    assert found.shape == (len(NAMES),)
    session = OnnxPredictor()._session
    padded = np.pad(pixels[None], ((0, 0), (0, 0), (0, 0), (0, 1)))
    (class_maps,) = session.run(["class_maps"], {"pixels": padded})
    by_class = class_maps.reshape(-1, len(NAMES), class_maps.shape[-1] // len(NAMES))
    np.testing.assert_allclose(found, by_class.mean(0).sum(1), rtol=1e-4)


def test_the_bench_measures_ours_and_the_rival_on_both_sets(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "find_data", lambda: data)
    out = tmp_path / "presence.json"
    assert main(["presence", "--out", str(out)]) == 0
    written = json.loads(out.read_text())
    assert written["meta"]["photos"] == {"labelled": 3, "coco": 3}
    for name in ("labelled", "coco"):
        assert sorted(written["summary"][name]) == sorted([*OURS, RIVAL])
    labelled = written["summary"]["labelled"]
    assert {"right", "usual", "present", "calibration_error"} <= labelled["foveate"].keys()
    assert "right" not in labelled[RIVAL]
