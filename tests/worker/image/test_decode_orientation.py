"""The EXIF orientation is applied to the pixels, and known for a JPEG with its own samples."""

import numpy as np
import pytest
from PIL import Image, ImageCms

from contract.messages import Options
from tests.photos import file_of, photo, psnr
from tests.worker.image.colour_profiles import linear_profile
from worker.image.decode import decode

LIMIT_PX = 1_000_000
# EXIF 2.32, tag 0x0112: the stored picture as a function of the upright one.
STORED_AS = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: np.rot90(upright, 2).swapaxes(0, 1),
    8: lambda upright: np.rot90(upright, -1),
}


@pytest.mark.parametrize("name", ["PNG", "TIFF", "WEBP", "JPEG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_to_the_pixels(orientation: int, name: str) -> None:
    upright = photo(40, 24)
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.ascontiguousarray(STORED_AS[orientation](upright))
    options = {"lossless": True} if name == "WEBP" else {"quality": 95} if name == "JPEG" else {}
    decoded = decode(file_of(stored, name, exif=exif, **options), LIMIT_PX, Options()).image
    assert decoded.size == (40, 24)
    assert psnr(np.asarray(decoded), upright) > 28


def read_orientation(data: bytes) -> int | None:
    return decode(data, LIMIT_PX, Options()).orientation


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_of_a_jpeg_is_returned(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert read_orientation(file_of(photo(40, 24), "JPEG", exif=exif)) == orientation


def test_a_jpeg_without_a_valid_orientation_is_upright() -> None:
    assert read_orientation(file_of(photo(40, 24), "JPEG")) == 1
    assert read_orientation(file_of(photo(40, 24)[..., 0], "JPEG")) == 1
    exif = Image.Exif()
    exif[0x0112] = 9
    assert read_orientation(file_of(photo(40, 24), "JPEG", exif=exif)) == 1


def test_an_image_with_other_samples_than_a_jpegs_own_has_no_orientation() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert read_orientation(file_of(photo(40, 24), "JPEG", icc_profile=srgb)) == 1
    assert read_orientation(file_of(photo(40, 24), "JPEG", icc_profile=linear_profile())) is None
    assert read_orientation(file_of(Image.new("CMYK", (8, 8)), "JPEG")) is None
    assert read_orientation(file_of(photo(40, 24))) is None


def test_the_first_picture_of_an_mpo_counts_as_a_jpeg() -> None:
    frames = [Image.fromarray(photo(24, 16, seed)) for seed in (1, 2)]
    data = file_of(frames[0], "MPO", save_all=True, append_images=frames[1:])
    assert read_orientation(data) == 1
