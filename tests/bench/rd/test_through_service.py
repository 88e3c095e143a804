"""Photos sent through the running service, and the comparison with the standard JPEG."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.__main__ import main
from bench.load.service_process import Processes
from bench.rd.crops import CROP_PX
from bench.rd.through_service import ZOOM, compare
from tests.photos import file_of, photo, standard_jpeg


def test_photos_and_pictures_come_from_the_service(
    running_service: tuple[str, Processes], photo_folder: Path, tmp_path: Path
) -> None:
    out, pictures = tmp_path / "photos.json", tmp_path / "pictures"
    options = ["--images", str(photo_folder), "--url", running_service[0], "--out", str(out)]
    main(["photos", *options, "--pictures", str(pictures), "--picture-of", "1"])
    result = json.loads(out.read_text())
    assert list(result["images"]) == ["0.png", "1.png"]
    assert result["summary"]["bytes_ratio"] == pytest.approx(1.0, abs=0.03)
    assert sorted(path.name for path in pictures.iterdir()) == ["1-overlay.jpg", "1-pair.png"]
    with Image.open(pictures / "1-pair.png") as pair:
        assert pair.size == (2 * CROP_PX * ZOOM + 8, CROP_PX * ZOOM)


def test_psnr_is_that_of_the_whole_photo_and_of_the_hottest_quarter() -> None:
    pixels = photo(64, 64)
    standard = standard_jpeg(pixels, 75)
    hottest = np.zeros((64, 64), np.uint8)
    hottest[:32, :32] = 255
    with Image.open(io.BytesIO(standard)) as opened:
        worse = np.array(opened)
    worse[32:] = 0
    row = compare(pixels, standard, file_of(worse, "PNG"), file_of(hottest, "PNG"))
    assert row["psnr_s_foveate"] == pytest.approx(row["psnr_s_standard"])
    assert row["psnr_y_foveate"] < row["psnr_y_standard"] - 10


def test_a_folder_without_photos_is_an_error(tmp_path: Path) -> None:
    out = str(tmp_path / "photos.json")
    assert main(["photos", "--images", str(tmp_path), "--out", out]) == 2
