"""A gain map is turned, cut and scaled so that each of its points stays at the photo's same point."""

import numpy as np
import pytest
from PIL import Image, ImageOps

from tests.worker.image.ultra_hdr import make_map, mean_error
from worker.image.gain_map.geometry import fit_gain_map, is_only_turned
from worker.image.metadata.geometry import Geometry

GAIN_MAP = Image.fromarray(make_map(80, 60))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turning_is_pillow_s_own(orientation: int) -> None:
    tagged = GAIN_MAP.copy()
    tagged.getexif()[0x0112] = orientation
    expected = ImageOps.exif_transpose(tagged)
    size_px = (160, 120) if orientation < 5 else (120, 160)
    geometry = Geometry((160, 120), orientation, size_px)
    assert is_only_turned(geometry, None)
    assert np.array_equal(fit_gain_map(GAIN_MAP, geometry), expected)


def test_the_same_photo_has_the_same_gain_map() -> None:
    assert fit_gain_map(GAIN_MAP, Geometry((161, 119), 1, (161, 119))) is GAIN_MAP


@pytest.mark.parametrize(
    ("stored_px", "size_px", "expected_px"),
    [
        ((160, 120), (80, 60), (40, 30)),
        ((160, 120), (100, 75), (50, 38)),
        ((163, 119), (82, 60), (40, 30)),  # no whole ratio between photo and map
        ((65_000, 100), (65, 1), (1, 1)),
    ],
)
def test_its_size_follows_the_photo_s(
    stored_px: tuple[int, int], size_px: tuple[int, int], expected_px: tuple[int, int]
) -> None:
    assert fit_gain_map(GAIN_MAP, Geometry(stored_px, 1, size_px)).size == expected_px


def test_a_window_cuts_the_same_part() -> None:
    cut = fit_gain_map(GAIN_MAP, Geometry((160, 120), 1, (80, 60)), (40, 20, 120, 80))
    assert mean_error(np.asarray(cut), make_map(80, 60)[10:40, 20:60]) < 0.001
    turned = fit_gain_map(GAIN_MAP, Geometry((160, 120), 6, (40, 40)), (40, 0, 120, 80))
    expected = Image.fromarray(np.rot90(make_map(80, 60), -1)[:40, 20:60])
    small = expected.resize((20, 20), Image.Resampling.BOX)
    assert mean_error(np.asarray(turned), np.asarray(small)) < 0.02
    assert fit_gain_map(GAIN_MAP, Geometry((163, 119), 1, (3, 3)), (0.1, 0.1, 163, 119)).size


def test_scaled_points_stay_in_place() -> None:
    ramp = Image.fromarray(np.tile(np.arange(0, 240, 3, np.uint8), (60, 1)))
    half = np.asarray(fit_gain_map(ramp, Geometry((320, 240), 1, (160, 120))), np.float64)
    assert np.allclose(half[:, 3:-3], 1.5 + 6 * np.arange(3, 37), atol=0.6)
