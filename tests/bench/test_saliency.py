import argparse
import json
from pathlib import Path

import pytest
from PIL import Image

from bench import saliency
from bench.saliency_metrics import MEASURES
from bench.saliency_objects import COVERAGE
from bench.saliency_sheet import SHEET_COLUMNS
from tests.photos import photo


def parse(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    saliency.add_arguments(parser)
    return parser.parse_args(arguments)


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
    assert sorted(result["summary"]) == sorted(saliency.MAPS)
    for time, row in [
        ("ms_per_image", result["summary"]),
        *(("ms", row) for row in result["images"].values()),
    ]:
        for name in saliency.MAPS:
            assert sorted(row[name]) == sorted([*MEASURES, time])
            assert 0 <= row[name]["auc_shuffled"] <= 1
            assert 0 <= row[name]["captured_10"] <= row[name]["captured_50"] <= 1
    assert result["meta"]["photos"] == 2
    assert str(tmp_path) not in out.read_text("utf-8")
    shown = capsys.readouterr()
    assert "foveate_centre" in shown.out
    assert "attention_center is left out: no --attention-center FILE" in shown.err


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
        for name in saliency.MAPS:
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


def test_nothing_to_do_is_said(
    images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert saliency.run(parse("--images", str(images))) == 2
    assert "--fixations" in capsys.readouterr().err
    empty = tmp_path / "none.json"
    empty.write_text("{}")
    arguments = ["--images", str(images), "--fixations", str(empty), "--out", str(tmp_path / "o")]
    assert saliency.run(parse(*arguments)) == 2
    assert "no photos" in capsys.readouterr().err


def test_the_sheet_shows_the_chosen_photos(images: Path, tmp_path: Path) -> None:
    out = tmp_path / "maps" / "sheet.jpg"
    arguments = ["--images", str(images), "--sheet", str(out), "--sheet-of", "0", "2"]
    assert saliency.run(parse(*arguments)) == 0
    with Image.open(out) as sheet:
        assert sheet.size == (SHEET_COLUMNS * 480, 240)


def test_the_halves_share_no_photo_and_miss_none() -> None:
    names = [f"{number}.jpg" for number in range(200)]
    fit = saliency.choose_photos(names, "fit", None)
    held = saliency.choose_photos(names, "held", None)
    assert not set(fit) & set(held)
    assert set(fit) | set(held) == set(names)
    assert saliency.choose_photos(names[::-1], "held", 10) == held[:10]


def test_the_model_card_quotes_its_files() -> None:
    root = Path(__file__).parents[2]
    summaries = [
        json.loads((root / "bench" / "results" / f"saliency_{name}.json").read_text())["summary"]
        for name in ("osie", "crowd", "sun")
    ]
    card = (root / "docs" / "model-card.md").read_text("utf-8").splitlines()
    for name in saliency.MAPS:
        cells = [
            f"{s['nss']:.2f} | {s['auc_judd']:.2f} | {100 * s['captured_25']:.0f} %"
            for s in (summary[name] for summary in summaries)
        ]
        assert f"| `{name}` | {' | '.join(cells)} |" in card
