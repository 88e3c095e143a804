from pathlib import Path

import pytest
from PIL import Image

from bench.encode import process
from tests.codec.pictures import scene


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    images = tmp_path / "images"
    images.mkdir()
    for seed in range(2):
        Image.fromarray(scene(56, 72, seed)).save(images / f"{seed}.png")
    return images


def test_memory_counts_beyond_the_pixels(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "LARGE_PX", (1200, 1000))
    found = process.encode_large(sorted(folder.iterdir()), {"quality": 50})
    assert 0.99 <= found["bytes_ratio"] <= 1.01
    # Coefficients are 9 bytes per pixel. Memory freed by earlier tests may hold some of them.
    assert found["bytes_per_pixel_above_the_image"] < 30


def test_a_new_process_reports_its_start_time() -> None:
    found = process.run_fresh(["start"])
    assert 0 < found["import_s"] < found["seconds"]
