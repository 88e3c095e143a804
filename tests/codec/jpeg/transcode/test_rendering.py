"""Pixels of a source are those that libjpeg shows, but for rounding."""

import numpy as np
import pytest

from codec.jpeg.decode.coefficients import read_source
from codec.jpeg.transcode.rendering import render
from tests.codec.jpegs import pillow_jpeg, shown_pixels
from tests.codec.pictures import scene


@pytest.mark.parametrize("sides", [(75, 93), (64, 96), (2, 2), (1, 1), (17, 9), (1, 18)])
@pytest.mark.parametrize("subsampling", ["4:2:0", "4:2:2", "4:4:4"])
def test_pixels_are_those_of_libjpeg(subsampling: str, sides: tuple[int, int]) -> None:
    upload = pillow_jpeg(scene(*sides), quality=85, subsampling=subsampling)
    difference = render(read_source(upload)).astype(int) - shown_pixels(upload)
    assert np.abs(difference).max() <= 3
    assert np.abs(difference).mean() < (0.02 if difference.size > 1000 else 0.5)


def test_grey_pixels_are_those_of_libjpeg() -> None:
    upload = pillow_jpeg(np.ascontiguousarray(scene(75, 93)[..., 0]), quality=85)
    difference = render(read_source(upload)).astype(int) - shown_pixels(upload)
    assert np.abs(difference).max() <= 1


def test_chroma_is_not_mixed_across_tiles() -> None:
    image = np.zeros((32, 32, 3), np.uint8)
    image[:16, :, 0] = image[16:, :, 2] = 255
    source = read_source(pillow_jpeg(image, quality=95, subsampling="4:2:0"))
    whole, tiled = render(source).astype(int), render(source, 16).astype(int)
    assert np.abs(tiled - image).max() < np.abs(whole - image).max() / 2
    assert np.abs(tiled - image).max() < 30
