import argparse
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import codec
from bench.datasets.uploads import tile_photos
from bench.encode import process as encode_process
from bench.encode import run as encode
from bench.encode.timing import OURS, REST, STAGES, measure_ours, timed_stages
from tests.codec.pictures import photo, spot


def parse(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    encode.add_arguments(parser)
    return parser.parse_args([*arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    images = tmp_path / "images"
    images.mkdir()
    for seed in range(2):
        Image.fromarray(photo(56, 72, seed)).save(images / f"{seed}.png")
    return images


def test_every_encoder_is_timed_on_every_photo(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "results" / "encode.json"
    options = ["--images", str(folder), "--out", str(out), "--quality", "60", "30"]
    assert encode.run(parse(*options, "--repeats", "1", "--skip-large", "--skip-start")) == 0
    result = json.loads(out.read_text("utf-8"))
    assert list(result["images"]) == ["0.png", "1.png"]
    assert list(result["by_quality"]) == ["60", "30"]
    assert result["summary"] == result["by_quality"]["60"]
    assert {*OURS, "pillow", "pillow_progressive"} <= set(result["summary"])
    row = result["images"]["0.png"]["60"]["foveate_size"]
    assert 0.98 < row["bytes_ratio"] <= 1.01
    assert 0 < row["dct_to_bytes_ms"] <= row["ms"]
    assert row["passes"] >= 1
    assert all(result["threads"][side]["gain"] > 0 for side in ("encode", "processes", "control"))
    assert result["large"] is None
    assert result["first_start"] is None
    assert str(tmp_path) not in out.read_text("utf-8")
    assert "DCT to bytes" in capsys.readouterr().out


def test_stages_are_parts_of_the_whole_and_leave_the_encoder_as_it_was() -> None:
    settings = codec.EncodeSettings(progressive=True, target="quality")
    before = codec.encode(photo(80, 96), spot(9, 9), settings)
    with timed_stages() as spent_s:
        assert codec.encode(photo(80, 96), spot(9, 9), settings) == before
    assert set(spent_s) == set(STAGES)
    assert all(seconds > 0 for seconds in spent_s.values())
    counted = dict(spent_s)
    codec.encode(photo(80, 96), spot(9, 9), settings)
    assert spent_s == counted
    row = measure_ours(photo(80, 96), settings, 3)
    assert set(row["stages_ms"]) == {*STAGES, REST}


def test_a_folder_without_photos_is_refused(tmp_path: Path) -> None:
    assert encode.run(parse("--images", str(tmp_path), "--out", str(tmp_path / "out.json"))) == 2


def test_a_mosaic_is_filled_with_the_photos_in_order(folder: Path) -> None:
    paths = sorted(folder.iterdir())
    mosaic = np.asarray(tile_photos(paths, 200, 130))
    assert mosaic.shape == (130, 200, 3)
    first, second = (np.asarray(Image.open(path)) for path in paths)
    assert np.array_equal(mosaic[:56, :72], first)
    assert np.array_equal(mosaic[:56, 72:144], second)
    assert np.array_equal(mosaic[:56, 144:], first[:, :56])
    assert np.array_equal(mosaic[56:112, :72], second)
    assert np.array_equal(mosaic[112:, :72], first[:18])


def test_memory_is_what_an_encode_takes_beyond_the_pixels(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encode_process, "LARGE_PX", (1200, 1000))
    found = encode_process.encode_large(sorted(folder.iterdir()), {"quality": 50})
    assert 0.99 <= found["bytes_ratio"] <= 1.01
    # Coefficients alone are 9 bytes per pixel; what earlier tests left may hold some of them.
    assert found["bytes_per_pixel_above_the_image"] < 30


def test_a_fresh_process_says_how_long_it_loads() -> None:
    found = encode_process.run_fresh(["start"])
    assert 0 < found["import_s"] < found["seconds"]
