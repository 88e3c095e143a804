"""Colours are converted to sRGB by the embedded profile."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from contract.messages import Options
from tests.photos import file_of, photo
from tests.worker.image.colour_profiles import display_p3, ink_profile, linear_profile
from worker.image.colour.profiles import profile_of_grey_gamma
from worker.image.decode import decode

LIMIT_PX = 1_000_000
REPORTS = (
    Path(os.environ.get("FOVEATE_DATA") or Path(__file__).parents[4] / "shared" / "data")
    / "reports"
)


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


def test_a_profile_is_applied_whatever_its_name_is() -> None:
    named = display_p3().replace(b"w\0i\0d\0e", b"s\0R\0G\0B")
    pixels = np.full((8, 8, 3), (100, 200, 100), np.uint8)
    decoded = decode(file_of(pixels, icc_profile=named), LIMIT_PX, Options()).image
    # By the matrix from Display P3 to sRGB of CSS Color 4, section 18.
    assert np.abs(np.asarray(decoded).astype(int) - (45, 203, 86)).max() <= 1


def test_colours_are_converted_before_16_bits_become_8() -> None:
    ramp = np.linspace(0, 4_000, 512).astype(np.uint16)[None]
    profile = profile_of_grey_gamma(1.0)
    decoded = decode(file_of(Image.fromarray(ramp), icc_profile=profile), LIMIT_PX, Options()).image
    assert decoded.mode == "L"
    # IEC 61966-2-1: the ramp ends at sample 70.
    assert np.array_equal(np.unique(np.asarray(decoded)), np.arange(71))


def test_kept_colours_keep_their_own_numbers() -> None:
    profile = display_p3()
    pixels = photo(16, 16)
    data = file_of(pixels, icc_profile=profile)
    decoded = decode(data, LIMIT_PX, Options(metadata="all"))
    assert np.array_equal(np.asarray(decoded.image), pixels)
    assert profile in decoded.segments


@pytest.mark.parametrize("orientation", [1, 6])
def test_cmyk_is_converted_by_its_profile(orientation: int) -> None:
    # L* = 50 is sample 119 (ISO 11664-4, IEC 61966-2-1).
    data = file_of(
        Image.new("CMYK", (8, 16), (0, 0, 0, 128)),
        "JPEG",
        icc_profile=ink_profile(),
        exif=make_exif(orientation),
    )
    for metadata in ("none", "all"):
        photo = decode(data, LIMIT_PX, Options(metadata=metadata))
        assert photo.image.size == ((8, 16) if orientation == 1 else (16, 8))
        assert np.abs(np.asarray(photo.image).astype(int) - 119).max() <= 1
        assert b"ICC_PROFILE" not in photo.segments


def make_exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return exif


@pytest.mark.data
@pytest.mark.skipif(not REPORTS.is_dir(), reason="no reports under FOVEATE_DATA")
@pytest.mark.parametrize("name", ["icc-named-srgb-transfer-p3.png", "png-16-bit-linear-grey.png"])
def test_reported_colours_are_those_of_independent_decoders(name: str) -> None:
    decoded = np.asarray(decode((REPORTS / name).read_bytes(), LIMIT_PX, Options()).image)
    expected = np.asarray(Image.open(REPORTS / f"{name}.expected.png"))
    assert decoded.shape == expected.shape
    assert np.abs(decoded.astype(int) - expected).mean() <= 0.1


def test_cmyk_becomes_rgb() -> None:
    decoded = decode(
        file_of(Image.new("CMYK", (8, 8), (255, 0, 0, 0)), "JPEG"), LIMIT_PX, Options()
    ).image
    assert decoded.mode == "RGB"
    red, green, blue = np.asarray(decoded)[4, 4]
    assert red < 60
    assert min(green, blue) > 150
