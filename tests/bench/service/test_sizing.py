"""The cost of a photo by its size: the photos that are sent, and the summary."""

from pathlib import Path

import pytest
from PIL import Image

from bench.service.sizing import make_photo, summarise


def test_tiles_fill_the_photo(tmp_path: Path) -> None:
    paths = []
    for name, colour in (("a.png", (255, 0, 0)), ("b.png", (0, 255, 0))):
        paths.append(tmp_path / name)
        Image.new("RGB", (30, 20), colour).save(paths[-1])
    picture = make_photo(paths, 100, 50, seed=1)
    assert picture.size == (100, 50)
    assert picture.getpixel((0, 0)) == (0, 255, 0)
    assert picture.getpixel((99, 49)) != (0, 0, 0)


def test_without_photos_a_picture_is_generated() -> None:
    assert make_photo([], 64, 48, seed=0).size == (64, 48)


def test_the_cost_is_split_into_a_fixed_part_and_one_per_megapixel() -> None:
    def cost(megapixels: float, cpu_ms: float) -> dict[str, object]:
        return {
            "megapixels": megapixels,
            "cpu_ms": dict.fromkeys(("app", "worker", "redis"), cpu_ms),
            "elapsed_ms": cpu_ms,
            "bytes_in": 1e6 * megapixels,
            "peak_rss_bytes": {"worker": 100 + round(30e6 * megapixels)},
        }

    summary = summarise([cost(1.0, 150.0), cost(11.0, 1150.0)], {"worker": 100})
    assert summary["cpu_ms_per_megapixel"]["worker"] == pytest.approx(100.0)
    assert summary["fixed_cpu_ms"]["app"] == pytest.approx(50.0)
    assert summary["worker_bytes_per_pixel"] == pytest.approx(30.0)
    assert summary["upload_bytes_per_megapixel"] == pytest.approx(1e6)
