"""Differences to the standard JPEG of the same bytes."""

import pytest

from bench.datasets.photos import Photo
from bench.encoders import encode_standard
from bench.fit.measure import PreparedPhoto, compare
from bench.rd.measure import prepare_scene
from tests.codec.pictures import scene, spot


def test_differences_are_corrected_for_bytes_along_the_standard_jpegs_curve() -> None:
    image = scene(184, 200)
    photo = Photo("0.png", None, "")  # type: ignore[arg-type]
    prepared = PreparedPhoto(prepare_scene(image, spot(12, 12), photo))
    for quality in (75, 70):  # the slope is that from 70 to 75
        row = compare(prepared, 75, encode_standard(image, quality))
        assert row == pytest.approx(dict.fromkeys(row, 0.0), abs=1e-6)
    better = compare(prepared, 75, encode_standard(image, 75, progressive=True, optimize=True))
    assert better["psnr"] > 0
