"""Two checkouts' responses: which differences are seen, and which are allowed."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.service.same_bytes import compare, is_allowed
from tests.photos import photo


def jpeg_of(pixels: np.ndarray, quality: int) -> bytes:  # type: ignore[type-arg]
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return file.getvalue()


def test_a_worse_picture_is_seen_and_not_allowed(tmp_path: Path) -> None:
    pixels = np.asarray(photo(96, 64))
    path = tmp_path / "photo.png"
    Image.fromarray(pixels).save(path)
    better, worse = jpeg_of(pixels, 95), jpeg_of(pixels, 40)
    change = compare(path, better, worse)
    assert change["bytes_after"] == len(worse)
    assert change["ssimulacra2_after"] < change["ssimulacra2_before"]
    assert not is_allowed(change)
    assert is_allowed(compare(path, better, better))


@pytest.mark.parametrize(
    ("size", "score", "allowed"), [(1000, 80.0, True), (1002, 80.0, False), (1000, 80.1, False)]
)
def test_the_limits_hold_for_size_and_score(size: int, score: float, allowed: bool) -> None:
    change = {
        "bytes_before": 1000,
        "bytes_after": size,
        "ssimulacra2_before": 80.0,
        "ssimulacra2_after": score,
    }
    assert is_allowed(change) is allowed
