"""Pillow's pictures keep their depth, alpha and colours."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from contract.errors import CorruptImageError, TooManyPixelsError, UnsupportedImageError
from contract.image_headers.read import ImageHeader
from contract.messages import Options
from tests.photos import file_of, photo
from worker.image.formats.pillow import open_image, read_orientation, read_pixels
from worker.image.samples import Samples

LIMIT_PX = 1_000_000


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_pictures_of_8_bits_are_taken_as_they_are(mode: str) -> None:
    picture = Image.new(mode, (2, 3))
    assert read_pixels(picture) is picture


def test_bilevel_and_palette_pictures_stay_pictures() -> None:
    for mode, expected in (("1", "L"), ("P", "RGB")):
        picture = Image.new(mode, (2, 3), 1)
        picture.info["icc_profile"] = b"profile"
        read = read_pixels(picture)
        assert isinstance(read, Image.Image)
        assert (read.mode, read.info["icc_profile"]) == (expected, b"profile")


@pytest.mark.parametrize(
    ("mode", "model", "alpha", "channels"),
    [
        ("LA", "grey", "straight", 2),
        ("La", "grey", "premultiplied", 2),
        ("RGBA", "rgb", "straight", 4),
        ("RGBa", "rgb", "premultiplied", 4),
        ("PA", "rgb", "straight", 4),
        ("CMYK", "cmyk", "none", 4),
        ("LAB", "lab", "none", 3),
        ("HSV", "rgb", "none", 3),
    ],
)
def test_other_pictures_become_samples(mode: str, model: str, alpha: str, channels: int) -> None:
    picture = Image.new(mode, (2, 3))
    picture.info["icc_profile"] = b"profile"
    read = read_pixels(picture)
    assert isinstance(read, Samples)
    assert read.values.shape == (3, 2, channels)
    assert (read.model, read.alpha, read.profile) == (model, alpha, b"profile")


@pytest.mark.parametrize(
    ("mode", "model"), [("1", "grey"), ("L", "grey"), ("RGB", "rgb"), ("P", "rgb")]
)
def test_a_transparent_colour_becomes_alpha(mode: str, model: str) -> None:
    picture = Image.new(mode, (1, 1))
    picture.info["transparency"] = (0, 0, 0) if mode == "RGB" else 0
    read = read_pixels(picture)
    assert isinstance(read, Samples)
    assert (read.model, read.alpha, read.values[0, 0, -1]) == (model, "straight", 0)


@pytest.mark.parametrize("kind", [np.uint16, np.int32])
def test_16_bits_stay_16_bits(kind: type) -> None:
    picture = Image.fromarray(np.array([[0, 1, 300, 65_535]], kind))
    read = read_pixels(picture)
    assert isinstance(read, Samples)
    assert (read.model, read.alpha, read.values.dtype) == ("grey", "none", np.uint16)
    assert read.values[0, :, 0].tolist() == [0, 1, 300, 65_535]
    picture.info["transparency"] = 300
    transparent = read_pixels(picture)
    assert isinstance(transparent, Samples)
    assert transparent.values[0, :, 1].tolist() == [65_535, 65_535, 0, 65_535]


@pytest.mark.parametrize("full", [1, 255])
def test_floats_have_one_of_two_scales(full: int) -> None:
    read = read_pixels(Image.fromarray(np.array([[0, 0.5, 1]], np.float32) * full))
    assert isinstance(read, Samples)
    assert read.values[0, :, 0] == pytest.approx([0, 0.5, 1])


def test_an_orientation_out_of_range_is_none() -> None:
    for orientation, expected in ((6, 6), (9, 1), (0, 1)):
        exif = Image.Exif()
        exif[0x0112] = orientation
        data = file_of(photo(8, 8), "JPEG", exif=exif)
        header = ImageHeader("JPEG", 8, 8)
        with open_image(data, header, LIMIT_PX, Options()) as image:
            assert read_orientation(image) == expected


def test_a_jpeg_is_opened_at_the_least_size_that_is_enough() -> None:
    data = file_of(photo(160, 120), "JPEG")
    header = ImageHeader("JPEG", 160, 120)
    with open_image(data, header, LIMIT_PX, replace(Options(), width=20)) as image:
        assert image.size == (40, 30)


def test_errors_of_pillow_become_ours() -> None:
    data = file_of(photo(8, 8), "PNG")
    header = ImageHeader("PNG", 8, 8)
    with pytest.raises(UnsupportedImageError):
        open_image(b"nonsense", header, LIMIT_PX, Options())
    with pytest.raises(TooManyPixelsError):
        open_image(data, header, 10, Options())
    with pytest.raises(CorruptImageError):
        open_image(data[:20], header, LIMIT_PX, Options())
