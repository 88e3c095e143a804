"""The benchmark measures every photo of a half, ours and the rival's, and compares rules."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bench.__main__ import main
from bench.regions import run
from bench.regions.labels import list_classes
from model.training.photos import HELD_FOLD, coco_fold_of
from tests.photos import photo

STEPS = ["select_classes", "find_regions", "find_focus", "find_window", "thumbhash", "sum"]
CATEGORIES = sorted(list_classes().covered)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a data folder with a few photos, each labelled as full of everything."""
    folder = tmp_path / "coco"
    folder.mkdir()
    labels: dict[str, Any] = {}
    for number in range(6):
        Image.fromarray(photo(160, 120, number)).save(folder / f"{number}.jpg")
        objects = [{"class": name, "box": [0, 0, 1, 1]} for name in CATEGORIES]
        labels[f"{number}.jpg"] = {"width": 160, "height": 120, "objects": objects}
    (folder / "labels.json").write_text(json.dumps(labels))
    monkeypatch.setenv("FOVEATE_DATA", str(tmp_path))
    return tmp_path


def test_every_photo_of_the_half_is_measured(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = data / "regions.json"
    assert main(["regions", "--out", str(out)]) == 0
    result = json.loads(out.read_text())
    count = sum(coco_fold_of(f"{number}.jpg") == HELD_FOLD for number in range(6))
    assert result["meta"]["photos"] == count
    assert result["meta"]["rule"] == {name: getattr(run.RULE, name) for name in run.GRID}
    for name in ("foveate", "cam"):
        summary = result["summary"][name]
        assert summary["objects"] == len(CATEGORIES) * count
        assert summary["on_nothing"] == 0  # every region is on the whole photo's objects
    assert [*result["cpu_ms"]] == STEPS
    assert result["cpu_ms"]["sum"] == pytest.approx(sum(result["cpu_ms"][n] for n in STEPS[:-1]))
    assert "foveate" in capsys.readouterr().out


def test_the_grid_shows_rules_for_the_half_to_learn_from(
    data: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert data
    monkeypatch.setattr(run, "GRID", {"least_score": (0.1, 0.5), "least_evidence": (0.2,)})
    arguments = ["--half", "learning", "--grid"]
    assert main(["regions", *arguments]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert all("least_evidence 0.2" in line and "found" in line for line in lines)


def test_a_folder_without_labels_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("FOVEATE_DATA", str(tmp_path / "empty"))
    assert main(["regions"]) == 2
    assert "bench regions: " in capsys.readouterr().err
