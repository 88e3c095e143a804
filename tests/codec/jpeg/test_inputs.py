from typing import Any

import numpy as np
import pytest

from codec.jpeg.inputs import MAX_SIDE_PX, check_image, check_saliency, drop_flat_map
from codec.settings import EncodeSettings
from tests.codec.pictures import spot

IMAGE = np.zeros((8, 9, 3), np.uint8)
SPOT = spot(5, 6)


@pytest.mark.parametrize(
    ("image", "named"),
    [
        (IMAGE.astype(np.float32), "uint8"),
        (IMAGE[..., :2], "shape"),
        (IMAGE[None], "shape"),
        (IMAGE[:0], "sides"),
        (np.zeros((MAX_SIDE_PX + 1, 1), np.uint8), "sides"),
    ],
)
def test_wrong_images_are_refused(image: Any, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        check_image(image)


@pytest.mark.parametrize("shape", [(1, 1), (8, 9, 3), (MAX_SIDE_PX, 1), (1, MAX_SIDE_PX, 3)])
def test_grey_and_colour_images_are_accepted(shape: tuple[int, ...]) -> None:
    check_image(np.zeros(shape, np.uint8))


@pytest.mark.parametrize(
    ("saliency", "named"),
    [
        (SPOT.astype(np.float64), "float32"),
        (SPOT[None], "shape"),
        (SPOT[:0], "shape"),
        (SPOT * 2, r"\[0, 1\]"),
        (-SPOT, r"\[0, 1\]"),
        (SPOT * np.float32("nan"), r"\[0, 1\]"),
    ],
)
def test_wrong_maps_are_refused(saliency: Any, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        check_saliency(saliency)
    with pytest.raises(ValueError, match=named):
        drop_flat_map(saliency, EncodeSettings())


def test_a_missing_or_constant_map_is_dropped_with_the_strength() -> None:
    settings = EncodeSettings(quality=30, strength=0.8)
    for flat in (None, np.full((4, 4), 0.7, np.float32)):
        saliency, dropped = drop_flat_map(flat, settings)
        assert saliency is None
        assert dropped == EncodeSettings(quality=30, strength=0.0)
    assert drop_flat_map(SPOT, settings) == (SPOT, settings)
