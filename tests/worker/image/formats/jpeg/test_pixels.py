"""libjpeg-turbo gets a JPEG at once, and scales it where that is enough."""

import imagecodecs
import numpy as np
import pytest

from tests.photos import file_of, photo
from tests.worker.image.formats.jpeg.files import JPEG, PHOTO, make
from worker.image.formats.jpeg.pixels import are_equal, decode
from worker.image.resize import NO_BOUNDS, Bounds


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_the_mode_is_that_of_the_components(mode: str) -> None:
    image = decode(make(mode))
    assert (image.mode, image.size) == (mode, (75, 53))


def test_a_photo_is_scaled_down_where_that_is_enough() -> None:
    assert decode(JPEG, Bounds(10)).size == (38, 27)
    assert decode(JPEG, Bounds(height=53)).size == (75, 53)


def test_pixels_are_compared() -> None:
    other = photo(75, 53)
    other[-1, -1, 2] ^= 0x80
    assert are_equal(JPEG, JPEG + b"more")
    assert not are_equal(JPEG, file_of(other, "JPEG", quality=90))
    assert np.asarray(decode(JPEG)).shape == (53, 75, 3)


@pytest.mark.parametrize("bounds", [NO_BOUNDS, Bounds(10)])
def test_a_lossless_photo_is_not_scaled(bounds: Bounds) -> None:
    data = imagecodecs.ljpeg_encode(PHOTO[..., 1], bitspersample=8)
    assert np.array_equal(np.asarray(decode(data, bounds)), PHOTO[..., 1])
