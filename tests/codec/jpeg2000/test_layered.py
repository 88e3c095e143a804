"""Layers have the slopes that decoding them shows."""

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from codec.jpeg2000.codestream import write_codestream
from codec.jpeg2000.layered import (
    Layered,
    code_layers,
    count_levels,
    find_log_slopes,
)
from codec.jpeg2000.packet_reader import Blocks
from codec.jpeg2000.packet_writer import write_packets
from tests.codec.pictures import noise, scene


def decode(layered: Layered, layers: int) -> NDArray[np.float64]:
    """Return the pixels of the first layers, by OpenJPEG."""
    cuts = np.full((1, layered.layout.blocks), layers)
    packets = write_packets(layered.blocks, layered.layout, cuts)
    with Image.open(io.BytesIO(write_codestream(layered.header, 1, packets))) as opened:
        return np.asarray(opened, np.float64)


@pytest.fixture(scope="module")
def image() -> NDArray[np.uint8]:
    return scene(200, 300)


@pytest.fixture(scope="module")
def layered(image: NDArray[np.uint8]) -> Layered:
    return code_layers(image)


def test_a_layer_saves_the_error_that_its_slope_says(
    image: NDArray[np.uint8], layered: Layered
) -> None:
    sizes = layered.blocks.lengths.sum(0)
    for first in (15, 25, 35):
        last = first + 5
        errors = [np.mean((decode(layered, kept) - image) ** 2) for kept in (first, last)]
        slope = (errors[0] - errors[1]) / 255**2 / (sizes[last] - sizes[first])
        expected = np.exp(layered.log_slopes[first:last])
        assert expected.min() * 0.75 < slope < expected.max() * 1.33


def test_slopes_never_rise(layered: Layered) -> None:
    assert len(layered.log_slopes) == layered.header.layers == layered.blocks.layers
    assert np.all(np.diff(layered.log_slopes) <= 0)


def test_slopes_of_made_up_layers() -> None:
    lengths = np.array([[0, 0, 0, 100, 300, 300, 700, 9000]], np.int32)
    nothing = np.zeros(0, np.uint8)
    blocks = Blocks(nothing, np.zeros(1, np.int64), np.zeros(1, np.int32), lengths, lengths)
    psnrs = 20 + 0.6 * np.arange(6)
    errors = 10 ** (-psnrs / 10)
    slopes = np.exp(find_log_slopes(psnrs, blocks))
    assert slopes[3] == pytest.approx((errors[2] - errors[3]) / 200)
    assert slopes[5] == pytest.approx((errors[4] - errors[5]) / 400)
    # Layers whose distortion is unknown, or that have no bytes, follow their neighbours.
    ratio = 10 ** (0.6 / 10)
    assert slopes[2] == pytest.approx(slopes[3] * ratio)
    assert slopes[6] == pytest.approx(slopes[5] / ratio)
    assert slopes[4] == pytest.approx((slopes[3] * slopes[5]) ** 0.5)


def test_an_image_without_detail_has_slopes_too() -> None:
    for image in (np.full((40, 50, 3), 128, np.uint8), scene(1, 1)):
        slopes = code_layers(image).log_slopes
        assert np.all(np.isfinite(slopes))
        assert np.all(np.diff(slopes) <= 0)


def test_levels_end_at_a_side_of_one_sample() -> None:
    sides = [(1, 1), (1, 999), (2, 999), (3, 3), (4, 4), (31, 99), (32, 99), (999, 999)]
    assert [count_levels(*side) for side in sides] == [0, 0, 1, 1, 2, 4, 5, 5]


@pytest.mark.parametrize("shape", [(7, 9), (9, 7), (1, 40), (16, 16)])
def test_small_images_have_fewer_layers_where_openjpeg_has_no_room(shape: tuple[int, int]) -> None:
    layered = code_layers(noise(*shape))
    assert 1 < layered.header.layers < 70
    assert np.abs(decode(layered, layered.header.layers) - noise(*shape)).max() < 5
