"""Writes the packets of a tile (ISO/IEC 15444-1 Annex B), in which each code-block ends where we want.

A *cut* says after how many of the layers read a code-block ends. Each layer that is written has a cut for
each code-block.
"""

import numpy as np
from numpy.typing import NDArray

from codec.jit import kernel
from codec.jpeg2000.layout import COLUMNS, FIRST_BLOCK, FIRST_NODE, ROWS, Layout
from codec.jpeg2000.packet_bits import (
    CURSOR_SIZE,
    POSITION,
    align_writer,
    floor_log2,
    write_bit,
    write_bits,
    write_pass_count,
)
from codec.jpeg2000.packet_reader import FIRST_LBLOCK, MAX_PLANES, Blocks
from codec.jpeg2000.tag_tree import UNKNOWN, encode_tag, lower_tag, make_trees


def write_packets(blocks: Blocks, layout: Layout, cuts: NDArray[np.int64]) -> bytes:
    """Return the packets.

    Args:
        blocks: what was read.
        layout: its layout.
        cuts: (layers to write, blocks) in 0..`blocks.layers`, never falling from layer to layer.
    """
    kept = np.take_along_axis(blocks.lengths, cuts[-1][:, None], 1)
    out = np.empty(_bound_header(layout, cuts.shape[0]) + int(kept.sum()), np.uint8)
    return out[: _write(blocks, layout, cuts, out, True)].tobytes()  # noqa: FBT003 -- numba takes no keywords


def count_bytes(blocks: Blocks, layout: Layout, cuts: NDArray[np.int64]) -> int:
    """Return how many bytes `write_packets` would return."""
    out = np.empty(_bound_header(layout, cuts.shape[0]), np.uint8)
    return _write(blocks, layout, cuts, out, False)  # noqa: FBT003


def _bound_header(layout: Layout, layers: int) -> int:
    """Return more bytes than all packet headers take."""
    # In each layer: the number of passes in 16 bits, the length indicator and its growth in 80, a bit
    # for inclusion. Trees once: as many bits for each node as it has values; with stuffing.
    bits = layers * (layout.blocks * 100 + layout.nodes) + layout.nodes * (MAX_PLANES + layers)
    return bits // 7 + 2 * layers * len(layout.slots) + 8


def _write(
    blocks: Blocks, layout: Layout, cuts: NDArray[np.int64], out: NDArray[np.uint8], whole: bool
) -> int:
    return int(
        _write_packets(
            blocks.data,
            blocks.starts,
            layout.slots,
            layout.grids,
            layout.nodes,
            blocks.planes,
            blocks.passes,
            blocks.lengths,
            cuts,
            out,
            whole,
        )
    )


@kernel
def _write_packets(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    slots: NDArray[np.int64],
    grids: NDArray[np.int64],
    nodes: int,
    planes: NDArray[np.int32],
    passes: NDArray[np.int32],
    lengths: NDArray[np.int32],
    cuts: NDArray[np.int64],
    out: NDArray[np.uint8],
    whole: bool,
) -> int:
    """Write the packets to `out`, or their headers alone; return the bytes of the packets."""
    cursor = np.zeros(CURSOR_SIZE, np.int64)
    first_layers, zeros = make_trees(nodes), make_trees(nodes)
    for grid in range(grids.shape[0]):
        _plant_trees(grids[grid], planes, passes, cuts, first_layers, zeros)
    lblocks = np.full(planes.size, FIRST_LBLOCK, np.int32)
    nothing = np.zeros(planes.size, np.int64)
    bodies = 0
    for layer in range(cuts.shape[0]):
        before = cuts[layer - 1] if layer else nothing
        for slot in range(slots.shape[0]):
            first, last = slots[slot, 0], slots[slot, 1]
            write_bit(out, cursor, 1)
            for grid in range(first, last):
                _write_header(
                    out, cursor, grids[grid], layer, before, cuts[layer],
                    first_layers, zeros, lblocks, passes, lengths,
                )  # fmt: skip
            align_writer(out, cursor)
            for grid in range(first, last):
                start = grids[grid, FIRST_BLOCK]
                for block in range(start, start + grids[grid, ROWS] * grids[grid, COLUMNS]):
                    begin, end = lengths[block, before[block]], lengths[block, cuts[layer, block]]
                    bodies += end - begin
                    if whole:
                        place, source = cursor[POSITION], starts[block]
                        out[place : place + end - begin] = data[source + begin : source + end]
                        cursor[POSITION] += end - begin
    written: int = cursor[POSITION] if whole else cursor[POSITION] + bodies
    return written


@kernel
def _plant_trees(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    grid: NDArray[np.int64],
    planes: NDArray[np.int32],
    passes: NDArray[np.int32],
    cuts: NDArray[np.int64],
    first_layers: NDArray[np.int32],
    zeros: NDArray[np.int32],
) -> None:
    """Set the trees of a grid of blocks; blocks that are in no layer set no limits."""
    shape = (grid[ROWS], grid[COLUMNS])
    node, block = grid[FIRST_NODE], grid[FIRST_BLOCK]
    for row in range(shape[0]):
        for column in range(shape[1]):
            for layer in range(cuts.shape[0]):
                if passes[block, cuts[layer, block]] > 0:
                    lower_tag(first_layers, node, shape, (row, column), layer)
                    lower_tag(zeros, node, shape, (row, column), planes[block])
                    break
            block += 1


@kernel
def _write_header(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    out: NDArray[np.uint8],
    cursor: NDArray[np.int64],
    grid: NDArray[np.int64],
    layer: int,
    before: NDArray[np.int64],
    after: NDArray[np.int64],
    first_layers: NDArray[np.int32],
    zeros: NDArray[np.int32],
    lblocks: NDArray[np.int32],
    passes: NDArray[np.int32],
    lengths: NDArray[np.int32],
) -> None:
    """Write what a packet's header says of a grid of blocks."""
    shape = (grid[ROWS], grid[COLUMNS])
    node, block = grid[FIRST_NODE], grid[FIRST_BLOCK] - 1
    for row in range(shape[0]):
        for column in range(shape[1]):
            block += 1
            leaf = (row, column)
            old, new = before[block], after[block]
            count = passes[block, new] - passes[block, old]
            if passes[block, old] > 0:
                write_bit(out, cursor, 1 if count else 0)
            else:
                encode_tag(out, cursor, first_layers, node, shape, leaf, layer + 1)
                if count:
                    encode_tag(out, cursor, zeros, node, shape, leaf, UNKNOWN)
            if not count:
                continue
            write_pass_count(out, cursor, count)
            length = lengths[block, new] - lengths[block, old]
            more = floor_log2(count)
            needed = floor_log2(length) + 1 if length else 0
            while lblocks[block] + more < needed:
                write_bit(out, cursor, 1)
                lblocks[block] += 1
            write_bit(out, cursor, 0)
            write_bits(out, cursor, length, lblocks[block] + more)
