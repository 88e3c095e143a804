"""A JPEG of another depth than 8 bits keeps its depth until its colours are converted."""

import contextlib

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from contract.errors import CorruptImageError, FoveateError
from contract.image_headers.read import read_header
from contract.messages import Options
from worker.image.decode import decode
from worker.image.formats.jpeg.reader import read
from worker.image.samples import Samples

OPTIONS = Options()


def ramp(channels: int, precision: int) -> NDArray[np.uint16]:
    """Return a smooth picture of (48, 64, channels), up to full intensity."""
    y, x = np.mgrid[0:48, 0:64] / 63
    white = (1 << precision) - 1
    planes = [x, y, (x + y) / 2, 1 - x][:channels]
    return np.rint(np.stack(planes, -1) * white).astype(np.uint16)


def read_samples(data: bytes) -> Samples:
    pixels = read(data, OPTIONS).pixels
    assert isinstance(pixels, Samples)
    return pixels


@pytest.mark.parametrize("precision", [9, 12, 16])
@pytest.mark.parametrize(("channels", "model"), [(1, "grey"), (3, "rgb")])
def test_lossless_samples_are_scaled_exactly(precision: int, channels: int, model: str) -> None:
    picture = ramp(channels, precision)
    data = imagecodecs.jpeg8_encode(picture.squeeze(), lossless=True, bitspersample=precision)
    samples = read_samples(data)
    expected = np.rint(picture * (65_535 / ((1 << precision) - 1)))
    assert samples.model == model
    assert samples.values.dtype == np.uint16
    assert np.array_equal(samples.values, expected)
    assert (read_header(data).width_px, read_header(data).height_px) == (64, 48)


def test_twelve_bits_are_shown_as_the_same_picture_of_8_bits() -> None:
    picture = ramp(3, 12)
    data = imagecodecs.jpeg8_encode(picture, level=98, bitspersample=12)
    shown = np.asarray(decode(data, 10_000, OPTIONS).image, np.float32)
    assert np.abs(shown - picture * (255 / 4095)).mean() < 1.0


def test_four_components_are_inverted_as_in_8_bits() -> None:
    picture = ramp(4, 12)
    data = imagecodecs.jpeg8_encode(
        picture, level=98, bitspersample=12, colorspace="cmyk", outcolorspace="cmyk"
    )
    samples = read_samples(data)
    assert samples.model == "cmyk"
    assert np.abs(samples.values / 65_535 - (1 - picture / 4095)).mean() < 0.01


def test_without_its_end_it_is_truncated() -> None:
    for lossless in (False, True):
        data = imagecodecs.jpeg8_encode(ramp(3, 12), 95, lossless=lossless, bitspersample=12)
        for cut in (len(data) // 2, len(data) - 2):
            with pytest.raises(CorruptImageError):
                read(data[:cut], OPTIONS)


def test_damage_gives_no_other_error() -> None:
    data = imagecodecs.jpeg8_encode(ramp(3, 12), 95, bitspersample=12)
    rng = np.random.default_rng(1)
    for _ in range(300):
        damaged = bytearray(data)
        for at in rng.integers(2, len(data), 3):
            damaged[at] = rng.integers(256)
        with contextlib.suppress(FoveateError):
            header = read_header(bytes(damaged))
            if header.width_px * header.height_px <= 100_000:
                decode(bytes(damaged), 100_000, OPTIONS)


def test_eight_bits_stay_with_pillow() -> None:
    data = imagecodecs.jpeg8_encode(ramp(3, 8).astype(np.uint8), 95)
    assert isinstance(read(data, OPTIONS).pixels, Image.Image)
