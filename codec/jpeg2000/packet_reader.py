"""Reads all packets of a tile (ISO/IEC 15444-1 Annex B): what each code-block has in each layer.

Codewords are not terminated before the end of a code-block, so that each block has one segment in each
layer. Reads OpenJPEG's fresh output only, never an upload; what is unexpected is an error all the same.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.jit import kernel
from codec.jpeg2000.layout import COLUMNS, FIRST_BLOCK, FIRST_NODE, ROWS, Layout
from codec.jpeg2000.packet_bits import (
    CURSOR_SIZE,
    FAILED,
    MAX_PASSES,
    POSITION,
    align_reader,
    floor_log2,
    read_bit,
    read_bits,
    read_pass_count,
)
from codec.jpeg2000.tag_tree import decode_tag, make_trees

FIRST_LBLOCK: Final = 3
"""Length indicator of a block that has appeared in no packet (B.10.7.1)."""
MAX_LBLOCK: Final = 32
MAX_PLANES: Final = 38
"""The most bit-planes that guard bits and exponents allow (equation E-2)."""

_TRUNCATED: Final = -1
_LENGTH: Final = -2
_PLANES: Final = -3
_PASSES: Final = -4
_REASONS: Final = {
    _TRUNCATED: "its packets end too early",
    _LENGTH: "a code-block's length indicator is too large",
    _PLANES: "a code-block has too many bit-planes",
    _PASSES: "a code-block has too many coding passes",
}


class UnexpectedCodestreamError(RuntimeError):
    """OpenJPEG has written what this reader does not expect."""


@dataclass(frozen=True)
class Blocks:
    """The code-blocks of a tile, and what they have in each layer."""

    data: NDArray[np.uint8]
    """(n,): the bytes of one block after the other."""
    starts: NDArray[np.int64]
    """(blocks,): where in `data` each block's start."""
    planes: NDArray[np.int32]
    """(blocks,): all-zero bit-planes; 0 for blocks that are in no layer."""
    passes: NDArray[np.int32]
    """(blocks, layers + 1): coding passes in the first 0, 1, … layers."""
    lengths: NDArray[np.int32]
    """(blocks, layers + 1): bytes in the first 0, 1, … layers."""

    @property
    def layers(self) -> int:
        """The number of layers."""
        return int(self.lengths.shape[1]) - 1


def read_blocks(data: NDArray[np.uint8], start: int, layout: Layout, layers: int) -> Blocks:
    """Return the code-blocks of a tile whose packets take `data` (uint8) from `start` to its end.

    Raises:
        UnexpectedCodestreamError: the packets are not as described above.
    """
    planes = np.zeros(layout.blocks, np.int32)
    passes = np.zeros((layout.blocks, layers + 1), np.int32)
    lengths = np.zeros((layout.blocks, layers + 1), np.int32)
    positions = np.zeros((layout.blocks, layers), np.int64)
    end = _read_packets(
        data, start, layout.slots, layout.grids, layout.nodes, planes, passes, lengths, positions
    )
    if end < 0:
        raise UnexpectedCodestreamError(f"OpenJPEG's codestream can't be read: {_REASONS[end]}")
    if end != data.size:
        raise UnexpectedCodestreamError(
            f"OpenJPEG's codestream can't be read: {data.size - end} bytes follow its packets"
        )
    sizes = lengths[:, -1].astype(np.int64)
    starts: NDArray[np.int64] = sizes.cumsum() - sizes
    gathered = np.empty(int(sizes.sum()), np.uint8)
    _gather(data, positions, lengths, starts, gathered)
    return Blocks(gathered, starts, planes, passes, lengths)


@kernel
def _read_packets(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    data: NDArray[np.uint8],
    position: int,
    slots: NDArray[np.int64],
    grids: NDArray[np.int64],
    nodes: int,
    planes: NDArray[np.int32],
    passes: NDArray[np.int32],
    lengths: NDArray[np.int32],
    positions: NDArray[np.int64],
) -> int:
    """Fill `planes` to `positions`; return the position after the last packet, or what is wrong."""
    cursor = np.zeros(CURSOR_SIZE, np.int64)
    cursor[POSITION] = position
    first_layers, zeros = make_trees(nodes), make_trees(nodes)
    lblocks = np.full(planes.size, FIRST_LBLOCK, np.int32)
    for layer in range(positions.shape[1]):
        passes[:, layer + 1] = passes[:, layer]
        lengths[:, layer + 1] = lengths[:, layer]
        for slot in range(slots.shape[0]):
            first, last = slots[slot, 0], slots[slot, 1]
            if read_bit(data, cursor):
                for grid in range(first, last):
                    wrong = _read_header(
                        data, cursor, grids[grid], layer,
                        first_layers, zeros, lblocks, planes, passes, lengths,
                    )  # fmt: skip
                    if wrong:
                        return wrong
            align_reader(data, cursor)
            for grid in range(first, last):
                start = grids[grid, FIRST_BLOCK]
                for block in range(start, start + grids[grid, ROWS] * grids[grid, COLUMNS]):
                    positions[block, layer] = cursor[POSITION]
                    cursor[POSITION] += lengths[block, layer + 1] - lengths[block, layer]
            if cursor[FAILED] or cursor[POSITION] > data.size:
                return _TRUNCATED
    end: int = cursor[POSITION]
    return end


@kernel
def _read_header(  # noqa: C901, PLR0917 -- one walk; kernels take no keyword-only arguments
    data: NDArray[np.uint8],
    cursor: NDArray[np.int64],
    grid: NDArray[np.int64],
    layer: int,
    first_layers: NDArray[np.int32],
    zeros: NDArray[np.int32],
    lblocks: NDArray[np.int32],
    planes: NDArray[np.int32],
    passes: NDArray[np.int32],
    lengths: NDArray[np.int32],
) -> int:
    """Read what a packet's header says of a grid of blocks; return 0, or what is wrong."""
    shape = (grid[ROWS], grid[COLUMNS])
    node, block = grid[FIRST_NODE], grid[FIRST_BLOCK] - 1
    for row in range(shape[0]):
        for column in range(shape[1]):
            block += 1
            leaf = (row, column)
            if passes[block, layer] > 0:
                if not read_bit(data, cursor):
                    continue
            else:
                if not decode_tag(data, cursor, first_layers, node, shape, leaf, layer + 1):
                    continue
                while not decode_tag(data, cursor, zeros, node, shape, leaf, planes[block] + 1):
                    planes[block] += 1
                    if planes[block] > MAX_PLANES:
                        return _TRUNCATED if cursor[FAILED] else _PLANES
            count = read_pass_count(data, cursor)
            while read_bit(data, cursor):
                lblocks[block] += 1
                if lblocks[block] > MAX_LBLOCK:
                    return _LENGTH
            length = read_bits(data, cursor, lblocks[block] + floor_log2(count))
            passes[block, layer + 1] += count
            if passes[block, layer + 1] > MAX_PASSES:
                return _PASSES
            if length > data.size:
                return _TRUNCATED
            lengths[block, layer + 1] += length
    return 0


@kernel
def _gather(
    data: NDArray[np.uint8],
    positions: NDArray[np.int64],
    lengths: NDArray[np.int32],
    starts: NDArray[np.int64],
    out: NDArray[np.uint8],
) -> None:
    """Copy what each block has in the layers to one place."""
    for block in range(starts.size):
        for layer in range(positions.shape[1]):
            first, last = lengths[block, layer], lengths[block, layer + 1]
            begin, place = positions[block, layer], starts[block] + first
            out[place : place + last - first] = data[begin : begin + last - first]
