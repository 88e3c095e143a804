"""What is written is read again; all of OpenJPEG's layers come out byte for byte."""

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray

from codec.jpeg2000.codestream import read_header
from codec.jpeg2000.layered import run_openjpeg
from codec.jpeg2000.layout import Layout, plan_layout
from codec.jpeg2000.packet_reader import Blocks, read_blocks
from codec.jpeg2000.packet_writer import count_bytes, write_packets
from tests.codec.jpeg2000.packets import coded, list_contents
from tests.codec.pictures import noise, scene, sky


def every_layer(blocks: Blocks) -> NDArray[np.int64]:
    """Return the cuts that keep all layers as they are."""
    layers = np.arange(1, blocks.layers + 1)
    return np.repeat(layers[:, None], len(blocks.planes), 1)


def reread(packets: bytes, layout: Layout, layers: int) -> Blocks:
    return read_blocks(np.frombuffer(packets, np.uint8), 0, layout, layers)


@settings(deadline=None)
@given(coded())
def test_what_is_written_is_read(made: tuple[Layout, Blocks]) -> None:
    layout, blocks = made
    cuts = every_layer(blocks)
    packets = write_packets(blocks, layout, cuts)
    assert len(packets) == count_bytes(blocks, layout, cuts)
    again = reread(packets, layout, blocks.layers)
    assert np.array_equal(again.passes, blocks.passes)
    assert np.array_equal(again.lengths, blocks.lengths)
    assert np.array_equal(again.planes, blocks.planes)
    assert list_contents(again) == list_contents(blocks)


@settings(deadline=None)
@given(coded())
def test_each_block_ends_at_its_cut(made: tuple[Layout, Blocks]) -> None:
    layout, blocks = made
    rng = np.random.default_rng(int(blocks.lengths.sum()))
    cuts = np.sort(rng.integers(0, blocks.layers + 1, (2, layout.blocks)), 0)
    again = reread(write_packets(blocks, layout, cuts), layout, 2)
    for layer in range(2):
        kept = cuts[layer][:, None]
        passes = np.take_along_axis(blocks.passes, kept, 1)[:, 0]
        assert np.array_equal(again.passes[:, layer + 1], passes)
    whole = [
        blocks.data[start : start + lengths[cut]].tobytes()
        for start, lengths, cut in zip(blocks.starts, blocks.lengths, cuts[1], strict=True)
    ]
    assert again.data.tobytes() == b"".join(whole)


IMAGES = {
    "photo": scene(150, 210),
    "grey": scene(150, 210)[..., 0],
    "noise": noise(65, 130),
    "gradient": sky(90, 70),
    "flat": np.full((70, 50, 3), 90, np.uint8),
    "one pixel": scene(1, 1),
    "a row": scene(1, 70),
    "a column": scene(300, 1),
}


@pytest.mark.parametrize("name", IMAGES)
def test_openjpeg_s_packets_are_written_byte_for_byte(name: str) -> None:
    codestream = run_openjpeg(np.ascontiguousarray(IMAGES[name]), [20.0, 26.0, 32.0, 40.0, 0.0])
    header = read_header(codestream)
    layout = plan_layout(header.size, header.components, header.levels, header.block)
    blocks = read_blocks(np.frombuffer(codestream, np.uint8)[:-2], header.start, layout, 5)
    packets = write_packets(blocks, layout, every_layer(blocks))
    assert packets == codestream[header.start : -2]


def test_a_row_across_two_precincts_is_written_byte_for_byte() -> None:
    image = np.tile(scene(4, 100), (1, 400, 1))
    codestream = run_openjpeg(image, [30.0, 0.0])
    header = read_header(codestream)
    layout = plan_layout(header.size, header.components, header.levels, header.block)
    blocks = read_blocks(np.frombuffer(codestream, np.uint8)[:-2], header.start, layout, 2)
    assert write_packets(blocks, layout, every_layer(blocks)) == codestream[header.start : -2]


def test_nothing_kept_is_a_byte_for_each_packet() -> None:
    """Each packet says "not empty", as OpenJPEG's do, and that no block of its trees is included."""
    codestream = run_openjpeg(scene(150, 210), [0.0])
    header = read_header(codestream)
    layout = plan_layout(header.size, header.components, header.levels, header.block)
    blocks = read_blocks(np.frombuffer(codestream, np.uint8)[:-2], header.start, layout, 1)
    packets = write_packets(blocks, layout, np.zeros((1, layout.blocks), np.int64))
    assert len(packets) == len(layout.slots)
