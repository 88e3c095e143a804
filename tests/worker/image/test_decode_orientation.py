"""The EXIF orientation is applied to the pixels, and to a JPEG's coefficients."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from codec import render
from contract.messages import Options
from tests.photos import file_of, photo, psnr
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


def render_source(data: bytes) -> NDArray[np.uint8]:
    """Return the pixels that the coefficients of an upload show."""
    found = decode(data, LIMIT_PX, Options(), lambda width, height: (height, width))
    assert found.source is not None
    return render(found.source)


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


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_to_coefficients(orientation: int) -> None:
    upright = photo(48, 32)
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.ascontiguousarray(STORED_AS[orientation](upright))
    assert psnr(render_source(file_of(stored, "JPEG", exif=exif, quality=95)), upright) > 28


def test_a_jpeg_without_a_valid_orientation_is_upright() -> None:
    upright = photo(48, 32)
    exif = Image.Exif()
    exif[0x0112] = 9
    for options in ({}, {"exif": exif}):
        assert psnr(render_source(file_of(upright, "JPEG", quality=95, **options)), upright) > 28


def test_the_first_picture_of_an_mpo_counts_as_a_jpeg() -> None:
    frames = [Image.fromarray(photo(48, 32, seed)) for seed in (1, 2)]
    data = file_of(frames[0], "MPO", save_all=True, append_images=frames[1:], quality=95)
    assert psnr(render_source(data), photo(48, 32, 1)) > 28
