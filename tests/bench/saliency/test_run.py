import argparse
import json
from pathlib import Path

import pytest
from PIL import Image

from bench.metrics.gaze import MEASURES
from bench.saliency import run as saliency
from bench.saliency.maps import MAPS
from bench.saliency.objects import COVERAGE
from model.training.photos import is_held
from tests.photos import photo


def parse(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    saliency.add_arguments(parser)
    return parser.parse_args(arguments)


@pytest.fixture(autouse=True)
def _without_the_rival(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what only some machines have."""
    monkeypatch.setenv("FOVEATE_DATA", str(tmp_path))


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


def test_every_map_of_every_photo_is_measured(
    images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "results" / "saliency.json"
    fixations = str(tmp_path / "fixations.json")
    arguments = ["--images", str(images), "--fixations", fixations, "--out", str(out)]
    assert saliency.run(parse(*arguments, "--limit", "2")) == 0
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
    assert sorted(meta["weights"]) == ["foveate", "foveate_weak"]
    assert str(tmp_path) not in out.read_text("utf-8")
    shown = capsys.readouterr()
    assert "foveate_weak" in shown.out
    assert "attention_center is left out: no attention-center-map.tflite" in shown.err


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
        assert saliency.run(parse(*arguments, *more)) == 0
        result = json.loads(out.read_text("utf-8"))
        for name in MAPS:
            row = result["summary"][name]
            assert sorted(row["objects"]) == sorted(["count", *COVERAGE])
            assert objects in {None, row["objects"]["count"]}
            assert ("nss" in row) == gazed
            assert row["ms_per_image"] >= 0
    assert "half_50" in capsys.readouterr().out
    (labels / "0.txt").unlink()
    (labels / "1.txt").unlink()
    assert saliency.run(parse(*arguments)) == 2
    assert "no labels" in capsys.readouterr().err


def test_mosaics_need_no_other_photos(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos, out = tmp_path / "photos", tmp_path / "saliency.json"
    for seed in range(4):
        (photos / f"class{seed}").mkdir(parents=True)
        Image.fromarray(photo(60, 80, seed)).save(photos / f"class{seed}" / "photo.png")
    arguments = ["--mosaics", str(photos), "--out", str(out), "--mosaic-count", "2"]
    assert saliency.run(parse(*arguments, "--limit", "1")) == 0
    result = json.loads(out.read_text("utf-8"))
    assert (result["meta"]["mosaics"], result["meta"]["mosaic_tiles"]) == (1, "2x2")
    for name in MAPS:
        row = result["summary"][name]
        assert sorted(row) == ["mosaics", "ms_per_image"]
        assert sorted(row["mosaics"]) == sorted(["count", *COVERAGE])
        assert row["mosaics"]["count"] == 4
    assert saliency.run(parse(*arguments, "--mosaic-side", "3")) == 2
    assert "photos of 4 classes in photos, 9 needed" in capsys.readouterr().err


def test_only_photos_of_the_chosen_fold_are_measured(images: Path, tmp_path: Path) -> None:
    out = tmp_path / "saliency.json"
    fixations = str(tmp_path / "fixations.json")
    arguments = ["--images", str(images), "--fixations", fixations, "--out", str(out)]
    names = {path.name for path in images.iterdir()}
    held = {name for name in names if is_held(name)}
    assert held
    assert names - held
    for fold, expected in (("held", held), ("training", names - held)):
        assert saliency.run(parse(*arguments, "--fold", fold)) == 0
        result = json.loads(out.read_text("utf-8"))
        assert set(result["images"]) == expected
        assert result["meta"]["fold"] == fold


def test_nothing_to_do_is_said(
    images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert saliency.run(parse("--images", str(images))) == 2
    assert "--fixations" in capsys.readouterr().err
    assert saliency.run(parse("--sheet", str(tmp_path / "o"))) == 2
    assert "--images is missing" in capsys.readouterr().err
    empty = tmp_path / "none.json"
    empty.write_text("{}")
    arguments = ["--images", str(images), "--fixations", str(empty), "--out", str(tmp_path / "o")]
    assert saliency.run(parse(*arguments)) == 2
    assert "no photos" in capsys.readouterr().err


def test_the_model_card_quotes_its_files() -> None:
    root = Path(__file__).parents[3]
    summaries = [
        json.loads((root / "bench" / "results" / f"saliency_{name}.json").read_text())["summary"]
        for name in ("osie", "crowd", "sun")
    ]
    objects = [
        json.loads((root / "bench" / "results" / f"saliency_{name}.json").read_text())["summary"]
        for name in ("boxes85", "mosaics", "mosaics3")
    ]
    card = (root / "docs" / "model-card.md").read_text("utf-8").splitlines()
    for name in (*MAPS, "attention_center"):
        cells = [
            f"{s['nss']:.2f} | {s['auc_shuffled']:.2f} | {100 * s['captured_25']:.0f} %"
            for s in (summary[name] for summary in summaries)
        ]
        assert f"| `{name}` | {' | '.join(cells)} |" in card
    for name in MAPS:
        shares = [s[name].get("mosaics") or s[name]["objects"] for s in objects]
        cells = [
            f"{100 * share['centre_25']:.0f} % | {100 * share['half_25']:.0f} %" for share in shares
        ]
        assert f"| `{name}` | {' | '.join(cells)} |" in card
