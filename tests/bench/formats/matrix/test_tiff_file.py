"""What tifffile reads is what was written."""

import io
from typing import Any, Literal

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from bench.formats.matrix.tiff_file import DEFLATE, FLOAT, LZW, PACKBITS, Layout, write_tiff

SAMPLES = np.random.default_rng(3).random((45, 70, 3))


def read(data: bytes) -> NDArray[Any]:
    return np.asarray(tifffile.imread(io.BytesIO(data)))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("compression", [1, DEFLATE, LZW, PACKBITS])
def test_16_bits_in_any_order_come_back(
    order: Literal["<", ">"], big: bool, compression: int
) -> None:
    deep = (SAMPLES * 65_535).astype(np.uint16)
    layout = Layout(16, 2, compression=compression, byte_order=order, big=big)
    assert np.array_equal(read(write_tiff(deep, layout)), deep)


@pytest.mark.parametrize("order", ["<", ">"])
def test_24_bits_are_three_bytes_in_the_file_s_order(order: Literal["<", ">"]) -> None:
    data = write_tiff(np.full((1, 1, 1), 0x010203, np.uint32), Layout(24, 1, byte_order=order))
    assert data[8:11] == (b"\3\2\1" if order == "<" else b"\1\2\3")


@pytest.mark.parametrize("tiled", [False, True])
def test_planes_and_tiles_come_back(tiled: bool) -> None:
    deep = (SAMPLES * 255).astype(np.uint8)
    layout = Layout(8, 2, compression=DEFLATE, predictor=2, planar=True, tiled=tiled)
    assert np.array_equal(read(write_tiff(deep, layout)).transpose(1, 2, 0), deep)


@pytest.mark.parametrize("bits", [1, 4, 12])
def test_packed_bits_come_back(bits: int) -> None:
    deep = (SAMPLES[..., :1] * (2**bits - 1)).astype(np.uint16)
    assert np.array_equal(read(write_tiff(deep, Layout(bits, 1))), deep[..., 0])


def test_floats_with_their_predictor_come_back() -> None:
    deep = SAMPLES.astype(np.float32)
    layout = Layout(32, 2, FLOAT, DEFLATE, predictor=3)
    assert np.array_equal(read(write_tiff(deep, layout)), deep)
