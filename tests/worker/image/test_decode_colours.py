"""Colours are converted to sRGB by the embedded profile."""

import numpy as np
import pytest
from PIL import Image, ImageCms

from contract.messages import Options
from tests.photos import file_of, photo
from tests.worker.image.colour_profiles import linear_profile
from worker.image.decode import decode

LIMIT_PX = 1_000_000


def test_the_embedded_profile_is_applied() -> None:
    # IEC 61966-2-1: linear 100/255 is 1.055 · 0.392^(1/2.4) − 0.055 = 0.659, sample 168.
    pixels = np.full((8, 8, 3), 100, np.uint8)
    decoded = decode(file_of(pixels, icc_profile=linear_profile()), LIMIT_PX, Options()).image
    assert np.abs(np.asarray(decoded).astype(int) - 168).max() <= 1


def test_the_profile_is_applied_to_pixels_with_alpha() -> None:
    pixels = np.full((8, 8, 4), 100, np.uint8)
    pixels[..., 3] = 255
    decoded = decode(file_of(pixels, icc_profile=linear_profile()), LIMIT_PX, Options()).image
    assert np.abs(np.asarray(decoded).astype(int) - 168).max() <= 1


def test_the_profile_is_applied_to_a_palette() -> None:
    picture = Image.new("P", (8, 8))
    picture.putpalette([100, 100, 100])
    decoded = decode(file_of(picture, icc_profile=linear_profile()), LIMIT_PX, Options()).image
    assert np.abs(np.asarray(decoded).astype(int) - 168).max() <= 1


def test_an_srgb_profile_changes_nothing() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    pixels = photo(16, 16)
    decoded = decode(file_of(pixels, icc_profile=profile), LIMIT_PX, Options()).image
    assert np.array_equal(np.asarray(decoded), pixels)


@pytest.mark.parametrize("profile", [b"nonsense", b"\x00" * 200])
def test_a_broken_profile_is_ignored(profile: bytes) -> None:
    pixels = photo(16, 16)
    decoded = decode(file_of(pixels, icc_profile=profile), LIMIT_PX, Options()).image
    assert np.array_equal(np.asarray(decoded), pixels)


def test_cmyk_becomes_rgb() -> None:
    decoded = decode(
        file_of(Image.new("CMYK", (8, 8), (255, 0, 0, 0)), "JPEG"), LIMIT_PX, Options()
    ).image
    assert decoded.mode == "RGB"
    red, green, blue = np.asarray(decoded)[4, 4]
    assert red < 60
    assert min(green, blue) > 150
