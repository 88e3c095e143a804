import json
from pathlib import Path

import pytest
from PIL import Image

from bench.__main__ import main
from tests.codec.pictures import scene


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    images = tmp_path / "images"
    images.mkdir()
    Image.fromarray(scene(120, 136)).save(images / "a.jpg", quality=92)
    return images


def test_coefficients_and_pixels_are_measured_for_each_upload_and_goal(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "results" / "transcode.json"
    options = ["--images", str(folder), "--out", str(out), "--jobs", "1"]
    options += ["--uploads", "own", "85", "--goals", "size:60", "size:95"]
    assert main(["transcode", *options]) == 0
    result = json.loads(out.read_text("utf-8"))
    cell = result["summary"]["85"]["size:60"]
    assert cell["kept"] == 0
    for way in ("coefficients", "pixels"):
        assert 0.98 < cell[way]["bytes_ratio"] <= 1.01
        row = result["images"]["a.jpg"]["85"]["size:60"][way]
        assert 20 < row["psnr_upload"] < 50
        assert row["psnr_original"] != row["psnr_upload"]
    # The goal has more bytes than the upload, so its coefficients are kept.
    kept = result["summary"]["85"]["size:95"]
    assert kept["kept"] == kept["photos"] == 1
    assert kept["coefficients"]["bytes_of_upload"] <= 1.0
    assert "gain_psnr_upload" not in kept
    # The original of an unchanged file is unknown.
    assert "gain_psnr_original" not in result["summary"]["own"]["size:60"]
    assert "where people look" in capsys.readouterr().out


@pytest.mark.parametrize(
    "options",
    [
        ["--goals", "bytes:75"],
        ["--goals", "size:101"],
        ["--goals", "size"],
        ["--uploads", "0"],
        ["--uploads", "best"],
        ["--uploads", "own", "--halve"],
    ],
)
def test_invalid_options_are_an_error(folder: Path, tmp_path: Path, options: list[str]) -> None:
    out = tmp_path / "out.json"
    assert main(["transcode", "--images", str(folder), "--out", str(out), *options]) == 2
    assert not out.exists()


def test_a_folder_without_photos_is_an_error(tmp_path: Path) -> None:
    assert main(["transcode", "--images", str(tmp_path), "--out", str(tmp_path / "o.json")]) == 2
