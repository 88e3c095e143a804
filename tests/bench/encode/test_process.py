from pathlib import Path

import pytest

from bench.encode import process


def test_memory_counts_beyond_the_pixels(
    photo_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "LARGE_PX", (1200, 1000))
    found = process.encode_large(sorted(photo_folder.iterdir()), {"quality": 50})
    assert 0.99 <= found["bytes_ratio"] <= 1.01
    # Coefficients are 9 bytes per pixel. Memory freed by earlier tests may hold some of them.
    assert found["bytes_per_pixel_above_the_image"] < 30


def test_a_new_process_reports_its_start_time() -> None:
    found = process.run_fresh(["start"])
    assert 0 < found["import_s"] < found["seconds"]
