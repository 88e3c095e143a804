import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bench.__main__ import main
from bench.datasets.folds import choose_photos
from bench.rd.paper import CLAIMS, GAZE_SETS, plan_tables
from tests.codec.pictures import scene

NAMES = [f"{number}.png" for number in range(20)]
HELD = choose_photos(NAMES, "held", None)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    save(folder / "kodak", ["kodim05.png"])
    for name in GAZE_SETS:
        save(folder / name, [*HELD[:2], next(name for name in NAMES if name not in HELD)])
        gaze = {"width": 200, "height": 184, "fixations_xy": [[60, 92], [70, 100]]}
        recorded = {path.name: gaze for path in (folder / name).iterdir()}
        (folder / name / "fixations.json").write_text(json.dumps(recorded))
    save(folder / "lossless", HELD[:2])
    return folder


def save(folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True)
    for seed, name in enumerate(names):
        Image.fromarray(scene(184, 200, seed)).save(folder / name)


def test_the_sets_are_of_the_held_out_fold_and_jpegs_are_halved(data: Path) -> None:
    sets = plan_tables(data, None)["sets"].photos
    assert [photo.name for photo in sets] == [
        f"{name}/{held}" for name in ("osie", "crowd", "sun", "lossless") for held in HELD[:2]
    ]
    assert [photo.halved for photo in sets] == [True] * 6 + [False] * 2
    assert [bool(photo.fixations_xy) for photo in sets] == [True] * 6 + [False] * 2
    assert {photo.group for photo in sets} == {"osie", "crowd", "sun", "lossless"}
    sizes = plan_tables(data, None)["sizes"].photos
    assert [sizes[0].longest_px, sizes[-1].longest_px] == [64, 200]
    assert len(sizes) == 20


def test_three_tables_with_the_control_and_rivals(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "paper.json"
    monkeypatch.setenv("FOVEATE_DATA", str(data))
    assert main(["paper", "--limit", "1", "--jobs", "1", "--out", str(out)]) == 0
    result: dict[str, Any] = json.loads(out.read_text("utf-8"))
    assert list(result) == ["meta", "claims", "kodak", "sets", "sizes"]
    assert result["claims"] == CLAIMS
    for name, qualities in (("kodak", ["50", "75"]), ("sets", ["50", "75"]), ("sizes", ["50"])):
        assert list(result[name]["by_quality"]) == qualities
        rows = result[name]["by_quality"][qualities[0]]["summary"]
        assert {"standard", "foveate", "foveate_uniform", "foveate_full"} <= rows.keys()
        assert rows["foveate"]["psnr_s"] > rows["foveate_uniform"]["psnr_s"]
    assert CLAIMS.keys() <= result["kodak"]["by_quality"]["50"]["summary"]["foveate"].keys()
    assert "foveate@0.4" in result["kodak"]["by_quality"]["50"]["summary"]
    assert set(result["sets"]["by_quality"]["50"]["groups"]) == {
        "osie", "crowd", "sun", "lossless",
    }  # fmt: skip


def test_missing_photos_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FOVEATE_DATA", str(tmp_path))
    assert main(["paper", "--out", str(tmp_path / "x.json")]) == 2
    assert f"no photos in {tmp_path.name}/kodak" in capsys.readouterr().err
    assert not (tmp_path / "x.json").exists()
