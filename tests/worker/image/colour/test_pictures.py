"""Pictures of 8 bits are converted by their profile."""

import numpy as np
import pytest
from PIL import Image

from tests.photos import photo
from tests.worker.image.colour_profiles import display_p3, linear_profile
from worker.image.colour.cms import SRGB
from worker.image.colour.pictures import convert_picture
from worker.image.colour.profiles import profile_of_grey_gamma


def tagged(pixels: np.ndarray, profile: object) -> Image.Image:
    picture = Image.fromarray(pixels)
    picture.info["icc_profile"] = profile
    return picture


@pytest.mark.parametrize(
    "profile", [None, SRGB, b"", b"nonsense", "text", profile_of_grey_gamma(1.0)]
)
def test_a_picture_that_needs_no_conversion_is_the_same_object(profile: object) -> None:
    picture = tagged(photo(16, 16), profile)
    assert convert_picture(picture) is picture


def test_a_grey_picture_stays_grey() -> None:
    picture = tagged(np.full((2, 2), 51, np.uint8), profile_of_grey_gamma(1.0))
    converted = convert_picture(picture)
    assert converted.mode == "L"
    # IEC 61966-2-1: a fifth of light.
    expected = (1.055 * 0.2 ** (1 / 2.4) - 0.055) * 255
    assert np.abs(np.asarray(converted) - expected).max() < 1


def test_a_profile_is_applied_whatever_its_name_is() -> None:
    named = display_p3().replace(b"w\0i\0d\0e", b"s\0R\0G\0B")
    grey, green = (128, 128, 128), (100, 200, 100)
    converted = np.asarray(convert_picture(tagged(np.uint8([[grey, green]]), named)))
    assert np.abs(converted[0, 0].astype(int) - 128).max() <= 1
    # By the matrix of CSS Color 4, section 18.
    assert np.abs(converted[0, 1].astype(int) - (45, 203, 86)).max() <= 1


def test_linear_light_becomes_brighter() -> None:
    picture = tagged(np.full((2, 2, 3), 51, np.uint8), linear_profile())
    assert np.abs(np.asarray(convert_picture(picture)).astype(int) - 124).max() <= 1
