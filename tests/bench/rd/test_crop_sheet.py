from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.__main__ import main
from bench.rd.crop_sheet import GAP_PX, ZOOM, encode_all, join_rows
from tests.codec.pictures import scene, spot


def test_every_encoder_has_the_standard_jpegs_bytes_and_another_picture() -> None:
    image = scene(96, 128)
    pictures = list(encode_all(image, spot(24, 24), 50, "perceptual"))
    assert len(pictures) == 6
    assert np.array_equal(pictures[0], image)
    errors = [float(np.abs(own.astype(float) - image).mean()) for own in pictures[1:]]
    assert len(set(errors)) == 5
    assert max(errors) < 12


def test_crops_are_enlarged_and_do_not_overlap() -> None:
    small, large = Image.new("RGB", (3, 2), "red"), Image.new("RGB", (4, 5), "blue")
    sheet = join_rows([[small, large], [large, small]])
    assert sheet.size == (2 * 4 * ZOOM + GAP_PX, 2 * 5 * ZOOM + GAP_PX)
    assert sheet.getpixel((3 * ZOOM - 1, 2 * ZOOM - 1)) == (255, 0, 0)
    assert sheet.getpixel((3 * ZOOM, 0)) == (255, 255, 255)
    assert sheet.getpixel((4 * ZOOM + GAP_PX, 0)) == (0, 0, 255)


def test_a_sheet_for_each_quality(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    Image.fromarray(scene(96, 128)).save(tmp_path / "photos" / "a.png")
    options = ["--images", str(tmp_path / "photos"), "--quality", "50"]
    assert main(["crop-sheet", *options, "--out", str(tmp_path / "sheets")]) == 0
    with Image.open(tmp_path / "sheets" / "crops-q50.webp") as sheet:
        assert sheet.size == (6 * (128 * ZOOM + GAP_PX) - GAP_PX, 2 * (96 * ZOOM + GAP_PX) - GAP_PX)


def test_a_folder_without_photos(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["crop-sheet", "--images", str(tmp_path), "--out", str(tmp_path / "s")]) == 2
    assert f"no photos in {tmp_path.name}" in capsys.readouterr().err
