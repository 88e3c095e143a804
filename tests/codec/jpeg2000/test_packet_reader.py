"""Packets are read as OpenJPEG writes them; damage ends in an error, soon."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.jpeg2000.codestream import read_header
from codec.jpeg2000.layered import run_openjpeg
from codec.jpeg2000.layout import plan_layout
from codec.jpeg2000.packet_reader import Blocks, UnexpectedCodestreamError, read_blocks
from tests.codec.pictures import noise, scene


def read(codestream: bytes) -> Blocks:
    header = read_header(codestream)
    layout = plan_layout(header.size, header.components, header.levels, header.block)
    data = np.frombuffer(codestream, np.uint8)[:-2]
    return read_blocks(data, header.start, layout, header.layers)


@pytest.fixture(scope="module")
def written() -> bytes:
    return run_openjpeg(scene(150, 210), [24.0, 30.0, 36.0, 0.0])


def test_all_bytes_of_packets_are_accounted_for(written: bytes) -> None:
    blocks = read(written)
    assert blocks.layers == 4
    assert np.all(np.diff(blocks.passes) >= 0)
    assert np.all(np.diff(blocks.lengths) >= 0)
    assert blocks.starts[-1] + blocks.lengths[-1, -1] == blocks.data.size
    bodies = int(blocks.lengths[:, -1].sum())
    assert 0.9 * len(written) < bodies < len(written)


def test_the_planes_of_a_block_bound_its_passes(written: bytes) -> None:
    """All planes of a block are coded in the last layer: three passes each, one in the first."""
    blocks = read(written)
    has = blocks.passes[:, -1] > 0
    assert np.all(blocks.passes[has, -1] % 3 == 1)


def test_packets_that_end_too_early_are_refused(written: bytes) -> None:
    header = read_header(written)
    layout = plan_layout(header.size, header.components, header.levels, header.block)
    for length in range(header.start, len(written) - 2, 97):
        data = np.frombuffer(written[:length], np.uint8)
        with pytest.raises(UnexpectedCodestreamError, match="OpenJPEG"):
            read_blocks(data, header.start, layout, header.layers)


def test_bytes_after_the_packets_are_refused(written: bytes) -> None:
    header = read_header(written)
    layout = plan_layout(header.size, header.components, header.levels, header.block)
    data = np.frombuffer(written[:-2] + b"\0\0\0", np.uint8)
    with pytest.raises(UnexpectedCodestreamError, match="3 bytes follow"):
        read_blocks(data, header.start, layout, header.layers)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.02, 0.3, 1.0]))
def test_noise_is_refused_or_read_and_ends(seed: int, damage: float) -> None:
    """Every loop ends: length indicators, bit-planes and passes have limits."""
    written = run_openjpeg(noise(40, 50), [20.0, 0.0])
    header = read_header(written)
    layout = plan_layout(header.size, header.components, header.levels, header.block)
    rng = np.random.default_rng(seed)
    data = np.frombuffer(written, np.uint8)[:-2].copy()
    hit = rng.random(data.size) < damage
    data[hit] = rng.integers(0, 256, hit.sum())
    data.flags.writeable = False
    try:
        blocks = read_blocks(data, header.start, layout, header.layers)
    except UnexpectedCodestreamError:
        return
    assert blocks.lengths[:, -1].sum() == blocks.data.size <= data.size


@pytest.mark.parametrize("value", [0x00, 0xFF, 0xAA, 0x80])
def test_constant_bytes_end(value: int) -> None:
    layout = plan_layout((100, 100), 3, 3, (5, 5))
    data = np.frombuffer(bytes([value]) * 3000, np.uint8)
    with pytest.raises(UnexpectedCodestreamError):
        read_blocks(data, 0, layout, 50)
