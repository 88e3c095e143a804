import json
from pathlib import Path

import pytest
from PIL import Image

from bench.__main__ import main
from bench.metrics.gaze import MEASURES, Map
from bench.saliency import run
from bench.saliency.maps import MAPS, OURS, UNTESTED
from bench.saliency.objects import COVERAGE
from model.maps import centre_gaussian
from model.training.photos import is_held
from tests.photos import photo


@pytest.fixture(autouse=True)
def _without_the_rival(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out attention-center, whose file only some machines have."""
    monkeypatch.setenv("FOVEATE_DATA", str(tmp_path))


@pytest.fixture
def _centre_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure only the centre Gaussian, which needs no network."""

    def draw(photo: Image.Image) -> Map:
        return centre_gaussian(photo.height, photo.width)

    monkeypatch.setattr(run, "load_predictors", dict)
    monkeypatch.setattr(run, "collect_map_functions", lambda *_: {"centre": draw})


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    recorded = {}
    for seed in range(3):
        Image.fromarray(photo(120, 90, seed)).save(folder / f"{seed}.png")
        points = [[0, 0], [60.5, 45.2], [119.9, 89.9], [120, 90]]
        recorded[f"{seed}.png"] = {"width": 120, "height": 90, "fixations_xy": points}
    (tmp_path / "fixations.json").write_text(json.dumps(recorded))
    return folder


def test_all_maps_of_all_photos_are_measured(
    images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "results" / "saliency.json"
    fixations = str(tmp_path / "fixations.json")
    arguments = ["--images", str(images), "--fixations", fixations, "--out", str(out)]
    assert main(["saliency", *arguments, "--limit", "2"]) == 0
    result = json.loads(out.read_text("utf-8"))
    assert sorted(result) == ["images", "meta", "summary"]
    assert len(result["images"]) == 2
    assert sorted(result["summary"]) == sorted(MAPS)
    for time, row in [
        ("ms_per_image", result["summary"]),
        *(("ms", row) for row in result["images"].values()),
    ]:
        for name in MAPS:
            assert sorted(row[name]) == sorted([*MEASURES, time])
            assert 0 <= row[name]["auc_shuffled"] <= 1
            assert 0 <= row[name]["captured_10"] <= row[name]["captured_50"] <= 1
    meta = result["meta"]
    assert (meta["photos"], meta["fold"]) == (2, "all")
    assert sorted(meta["weights"]) == sorted([*OURS, UNTESTED])
    assert str(tmp_path) not in out.read_text("utf-8")
    shown = capsys.readouterr()
    assert "foveate_weak" in shown.out
    assert "attention_center is left out: no attention-center-map.tflite" in shown.err


def test_only_the_named_maps_are_measured(images: Path, tmp_path: Path) -> None:
    out = tmp_path / "saliency.json"
    arguments = ["--images", str(images), "--fixations", str(tmp_path / "fixations.json")]
    maps = ["--maps", "foveate_int8", "centre"]
    assert main(["saliency", *arguments, *maps, "--limit", "1", "--out", str(out)]) == 0
    assert sorted(json.loads(out.read_text("utf-8"))["summary"]) == ["centre", "foveate_int8"]


@pytest.mark.usefixtures("_centre_only")
def test_objects_are_measured_with_and_without_gaze(
    images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels, out = tmp_path / "labels", tmp_path / "saliency.json"
    labels.mkdir()
    (labels / "0.txt").write_text("disc 10 10 50 60\nthing 0 0 119 89\n")
    (labels / "1.txt").write_text("disc 10 10 50 60\n")
    arguments = ["--images", str(images), "--boxes", str(labels), "--out", str(out)]
    gaze = ["--fixations", str(tmp_path / "fixations.json"), "--limit", "1"]
    for more, objects, gazed in ((gaze, None, True), ([], 3, False)):
        assert main(["saliency", *arguments, *more]) == 0
        result = json.loads(out.read_text("utf-8"))
        row = result["summary"]["centre"]
        assert sorted(row["objects"]) == sorted(["count", *COVERAGE])
        assert objects in {None, row["objects"]["count"]}
        assert ("nss" in row) == gazed
        assert row["ms_per_image"] >= 0
    assert "half_50" in capsys.readouterr().out
    (labels / "0.txt").unlink()
    (labels / "1.txt").unlink()
    assert main(["saliency", *arguments]) == 2
    assert "no labels" in capsys.readouterr().err


@pytest.mark.usefixtures("_centre_only")
def test_mosaics_are_measured_without_other_photos(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos, out = tmp_path / "photos", tmp_path / "saliency.json"
    for seed in range(4):
        (photos / f"class{seed}").mkdir(parents=True)
        Image.fromarray(photo(60, 80, seed)).save(photos / f"class{seed}" / "photo.png")
    arguments = ["--mosaics", str(photos), "--out", str(out), "--mosaic-count", "2"]
    assert main(["saliency", *arguments, "--limit", "1"]) == 0
    result = json.loads(out.read_text("utf-8"))
    assert (result["meta"]["mosaics"], result["meta"]["mosaic_tiles"]) == (1, "2x2")
    row = result["summary"]["centre"]
    assert sorted(row) == ["mosaics", "ms_per_image"]
    assert sorted(row["mosaics"]) == sorted(["count", *COVERAGE])
    assert row["mosaics"]["count"] == 4
    assert main(["saliency", *arguments, "--mosaic-side", "3"]) == 2
    assert "photos of 4 classes in photos, 9 needed" in capsys.readouterr().err


@pytest.mark.usefixtures("_centre_only")
def test_only_photos_of_the_chosen_fold_are_measured(images: Path, tmp_path: Path) -> None:
    out = tmp_path / "saliency.json"
    fixations = str(tmp_path / "fixations.json")
    arguments = ["--images", str(images), "--fixations", fixations, "--out", str(out)]
    names = {path.name for path in images.iterdir()}
    held = {name for name in names if is_held(name)}
    assert held
    assert names - held
    for fold, expected in (("held", held), ("training", names - held)):
        assert main(["saliency", *arguments, "--fold", fold]) == 0
        result = json.loads(out.read_text("utf-8"))
        assert set(result["images"]) == expected
        assert result["meta"]["fold"] == fold


def test_missing_options_are_an_error(
    images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["saliency", "--images", str(images)]) == 2
    assert "--fixations" in capsys.readouterr().err
    assert main(["saliency", "--sheet", str(tmp_path / "o")]) == 2
    assert "--images is missing" in capsys.readouterr().err
    empty = tmp_path / "none.json"
    empty.write_text("{}")
    arguments = ["--images", str(images), "--fixations", str(empty), "--out", str(tmp_path / "o")]
    assert main(["saliency", *arguments]) == 2
    assert "no photos" in capsys.readouterr().err
