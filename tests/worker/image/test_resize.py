"""A photo fits inside its bounds, keeps its proportions, and looks as if scaled in one step."""

import io

import numpy as np
import pytest
from PIL import Image

from contract.messages import Options
from tests.photos import file_of, photo, psnr
from worker.image.decode import Photo, decode

LIMIT_PX = 10_000_000


def decode_sized(
    data: bytes, width: int | None = None, height: int | None = None, limit_px: int = LIMIT_PX
) -> Photo:
    return decode(data, limit_px, Options(width=width, height=height))


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ((None, None), (300, 200)),
        ((150, None), (150, 100)),
        ((None, 50), (75, 50)),
        ((150, 50), (75, 50)),
        ((100, 100), (100, 67)),
        ((300, 200), (300, 200)),
        ((301, 9999), (300, 200)),
        ((65_500, 65_500), (300, 200)),
        ((1, None), (1, 1)),
        ((1, 1), (1, 1)),
        ((299, 200), (299, 199)),
    ],
)
@pytest.mark.parametrize("name", ["PNG", "JPEG"])
def test_a_photo_fits_inside_its_bounds_and_is_never_enlarged(
    name: str, bounds: tuple[int | None, int | None], expected: tuple[int, int]
) -> None:
    assert decode_sized(file_of(photo(300, 200), name), *bounds).image.size == expected


@pytest.mark.parametrize("size", [(1000, 1), (1, 1000), (3, 2), (1, 1)])
def test_the_thinnest_strip_keeps_one_pixel(size: tuple[int, int]) -> None:
    resized = decode_sized(file_of(photo(*size)), 2, 2).image
    assert min(resized.size) == 1
    assert max(resized.size) <= 2


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["JPEG", "PNG"])
def test_the_bounds_are_those_of_the_upright_photo(name: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = file_of(photo(400, 200), name, exif=exif)
    expected = (200, 100) if orientation < 5 else (100, 200)
    assert decode_sized(data, 200, 200).image.size == expected
    expected = (100, 50) if orientation < 5 else (50, 100)
    assert decode_sized(data, *expected).image.size == expected


@pytest.fixture(scope="module")
def large_jpeg() -> bytes:
    """Return a JPEG of 600×400 pixels."""
    return file_of(photo(600, 400, seed=2), "JPEG", quality=95, subsampling="4:4:4")


# It is decoded at an eighth up to a width of 37, a quarter up to 75, and a half up to 150.
@pytest.mark.parametrize("width", [20, 37, 75, 149, 151, 225])
def test_decoding_at_a_fraction_looks_like_decoding_in_full(large_jpeg: bytes, width: int) -> None:
    with Image.open(io.BytesIO(large_jpeg)) as opened:
        full = opened.resize((width, round(width * 400 / 600)), Image.Resampling.LANCZOS)
    resized = decode_sized(large_jpeg, width).image
    assert resized.size == full.size
    assert psnr(np.asarray(resized), np.asarray(full)) > 40


def test_a_resized_jpeg_is_not_encoded_from_its_coefficients() -> None:
    data = file_of(photo(320, 240), "JPEG")
    for width, is_own in ((320, True), (319, False), (20, False)):
        photo_ = decode(data, 1_000_000, Options(width=width), lambda *size_px: size_px[::-1])
        assert (photo_.source is not None) == is_own


def test_alpha_greyscale_and_palettes_are_scaled_after_they_are_flattened() -> None:
    clear = np.zeros((64, 64, 4), np.uint8)
    clear[:, :, :3] = (255, 0, 0)  # fully transparent: must not mix with the white
    assert np.asarray(decode_sized(file_of(clear), 7).image).min() == 255
    assert decode_sized(file_of(photo()[..., 0]), 50).image.mode == "L"
    assert decode_sized(file_of(Image.fromarray(photo()).quantize(64)), 50).image.mode == "RGB"


def test_the_limit_on_pixels_applies_to_the_upload() -> None:
    with pytest.raises(Exception, match="pixels"):
        decode_sized(file_of(photo(400, 300), "JPEG"), 10, limit_px=100_000)
