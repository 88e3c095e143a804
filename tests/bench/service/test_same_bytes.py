"""Responses of two checkouts: which differences are found, and which are allowed."""

from pathlib import Path

import pytest
from PIL import Image

from bench.service.same_bytes import compare, is_allowed
from tests.photos import photo, standard_jpeg


def test_a_worse_picture_is_not_allowed(tmp_path: Path) -> None:
    pixels = photo(96, 64)
    path = tmp_path / "photo.png"
    Image.fromarray(pixels).save(path)
    better, worse = standard_jpeg(pixels, 95), standard_jpeg(pixels, 40)
    change = compare(path, better, worse)
    assert change["bytes_after"] == len(worse)
    assert change["ssimulacra2_after"] < change["ssimulacra2_before"]
    assert not is_allowed(change)
    assert is_allowed(compare(path, better, better))


@pytest.mark.parametrize(
    ("size", "score", "allowed"), [(1000, 80.0, True), (1002, 80.0, False), (1000, 80.1, False)]
)
def test_size_and_score_have_limits(size: int, score: float, allowed: bool) -> None:
    change = {
        "bytes_before": 1000,
        "bytes_after": size,
        "ssimulacra2_before": 80.0,
        "ssimulacra2_after": score,
    }
    assert is_allowed(change) is allowed
