"""The benchmark measures every photo of a half, ours and the rival's, and compares rules."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bench.__main__ import main
from bench.regions import run
from bench.regions.labels import is_kept_aside
from model.onnx_predictor import OnnxPredictor
from tests.photos import photo

STEPS = ["select_classes", "find_regions", "find_focus", "find_window", "thumbhash", "sum"]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a data folder with a few photos, all labelled as of two objects."""
    folder = tmp_path / "coco"
    folder.mkdir()
    labels: dict[str, Any] = {}
    for number in range(6):
        Image.fromarray(photo(160, 120, number)).save(folder / f"{number}.jpg")
        objects = [{"class": name, "box": [0, 0, 1, 1]} for name in ("thing", "person")]
        labels[f"{number}.jpg"] = {"width": 160, "height": 120, "objects": objects}
    (folder / "labels.json").write_text(json.dumps(labels))
    monkeypatch.setenv("FOVEATE_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    """Return a list of the network's classes, each of which is right for the labelled objects."""
    rows = [
        {"name": name, "imagenet": "0-999", "coco": ["thing"], "covers": "all"}
        for name in OnnxPredictor().classes
    ]
    path = tmp_path / "classes.json"
    path.write_text(json.dumps(rows))
    return path


def test_every_photo_of_the_half_is_measured(
    data: Path, classes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = data / "regions.json"
    assert main(["regions", "--classes", str(classes), "--out", str(out)]) == 0
    result = json.loads(out.read_text())
    count = sum(is_kept_aside(f"{number}.jpg") for number in range(6))
    assert result["meta"]["photos"] == count
    assert result["meta"]["rule"] == {name: getattr(run.RULE, name) for name in run.GRID}
    for name in ("foveate", "cam"):
        summary = result["summary"][name]
        assert summary["objects"] == 2 * count
        assert summary["on_nothing"] == 0  # every region is on the whole photo's objects
    assert [*result["cpu_ms"]] == STEPS
    assert result["cpu_ms"]["sum"] == pytest.approx(sum(result["cpu_ms"][n] for n in STEPS[:-1]))
    assert "foveate" in capsys.readouterr().out


def test_the_grid_shows_rules_for_the_half_to_learn_from(
    data: Path,
    classes: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert data
    monkeypatch.setattr(run, "GRID", {"least_score": (0.1, 0.5), "least_evidence": (0.2,)})
    arguments = ["--classes", str(classes), "--half", "learning", "--grid"]
    assert main(["regions", *arguments]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert all("least_evidence 0.2" in line and "found" in line for line in lines)


def test_a_list_of_other_classes_is_refused(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert data
    path = tmp_path / "other.json"
    path.write_text(json.dumps([{"name": "a", "imagenet": "", "coco": []}]))
    assert main(["regions", "--classes", str(path)]) == 2
    assert "bench regions: the list has ['a']" in capsys.readouterr().err
    assert main(["regions", "--classes", str(tmp_path / "none.json")]) == 2
