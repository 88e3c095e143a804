"""`target=quality` ends where the file is about as good as the reference."""

import math

import numpy as np
import pytest

from codec.jpeg2000.encode import encode
from codec.jpeg2000.quality import describe_reference, measure_unit, predict_log_lambda
from codec.settings import EncodeSettings
from tests.codec.pictures import scene, sky, spot


def test_a_better_reference_has_a_smaller_lambda() -> None:
    image, saliency = scene(160, 200), spot(9, 9)
    found = [
        predict_log_lambda(describe_reference(image, saliency, quality))
        for quality in (20, 50, 75, 90, 98)
    ]
    assert found == sorted(found, reverse=True)


def test_the_error_is_that_of_the_salient_region() -> None:
    image = sky(160, 200)
    image[:, 100:] = scene(160, 100)
    smooth, rough = (
        describe_reference(image, spot(16, 20, centre_x=x), 50).log_error for x in (0.1, 0.9)
    )
    assert math.exp(rough) > 4 * math.exp(smooth)


def test_the_mean_without_a_map_counts_every_pixel_once() -> None:
    image = scene(37, 53)
    assert describe_reference(image, None, 50).log_error == pytest.approx(
        describe_reference(image, np.full((3, 3), 0.5, np.float32), 50).log_error, abs=1e-5
    )


def test_the_unit_is_that_of_squared_errors() -> None:
    assert measure_unit(scene(10, 20)) == pytest.approx(math.log(255**2 * 600))


def test_files_are_smaller_than_the_reference_and_grow_with_quality_and_floor() -> None:
    image, saliency = scene(240, 320), spot(12, 16)
    sizes = []
    for quality, floor in ((40, 10), (75, 10), (75, 75), (90, 10)):
        settings = EncodeSettings(quality=quality, target="quality", floor=floor)
        encoded = encode(image, saliency, settings)
        assert len(encoded.data) <= encoded.reference_bytes
        sizes.append(len(encoded.data))
    assert sizes[0] < sizes[1] <= sizes[2]
    assert sizes[1] < sizes[3]
