"""Where code-blocks lie: resolutions, subbands, precincts (ISO/IEC 15444-1 B.5 to B.7).

One tile covers the image, whose upper left corner is the origin. Precincts have the largest size,
32,768 samples of their resolution.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.jpeg2000.tag_tree import count_nodes

PRECINCT: Final = 15
"""Logarithm of a precinct's sides."""
BANDS: Final = ((0, 0), (1, 0), (0, 1), (1, 1))
"""Offsets of LL, HL, LH and HH across and down, in B.5's words xob and yob."""

FIRST_BLOCK: Final = 0
ROWS: Final = 1
COLUMNS: Final = 2
FIRST_NODE: Final = 3


@dataclass(frozen=True)
class Layout:
    """The code-blocks of an image in the order of its packets."""

    slots: NDArray[np.int64]
    """(packets of a layer, 2): first grid and the one after the last, in the order of LRCP."""
    grids: NDArray[np.int64]
    """(grids, 4): FIRST_BLOCK, ROWS, COLUMNS and FIRST_NODE of the blocks of one subband in one precinct."""
    nodes: int
    """Nodes of a tag tree over each grid, together."""
    areas: NDArray[np.float64]
    """(blocks, 4): top, bottom, left and right of each block in pixels of the image."""
    components: NDArray[np.int64]
    """(blocks,): component of each block."""
    levels: NDArray[np.int64]
    """(blocks,): level of decomposition of each block's subband, 1 for the finest."""

    @property
    def blocks(self) -> int:
        """The number of code-blocks."""
        return len(self.components)


def plan_layout(
    size: tuple[int, int], components: int, levels: int, block: tuple[int, int]
) -> Layout:
    """Return the layout of an image.

    Args:
        size: width and height in pixels.
        components: how many; none is subsampled.
        levels: of decomposition.
        block: logarithms of the width and height of code-blocks.
    """
    slots: list[tuple[int, int]] = []
    grids: list[tuple[int, int, int, int]] = []
    parts: list[tuple[int, int, NDArray[np.float64]]] = []
    blocks = nodes = 0
    for resolution in range(levels + 1):
        level = levels - max(resolution - 1, 0)
        bands = (1, 2, 3) if resolution else (0,)
        reach = PRECINCT - (1 if resolution else 0)
        across, down = (_count_precincts(side, levels - resolution) for side in size)
        for component in range(components):
            for precinct in range(across * down):
                first = len(grids)
                for band in bands:
                    columns, rows = (
                        _split_blocks(_count_samples(side, level, offset), which, reach, log2)
                        for side, offset, which, log2 in zip(
                            size,
                            BANDS[band],
                            (precinct % across, precinct // across),
                            block,
                            strict=True,
                        )
                    )
                    if len(columns) and len(rows):
                        grids.append((blocks, len(rows), len(columns), nodes))
                        parts.append((component, level, _list_areas(rows, columns, level, size)))
                        blocks += len(rows) * len(columns)
                        nodes += count_nodes(len(rows), len(columns))
                slots.append((first, len(grids)))
    counts = [len(part[2]) for part in parts]
    return Layout(
        np.array(slots, np.int64),
        np.array(grids, np.int64),
        nodes,
        np.concatenate([part[2] for part in parts]),
        np.repeat([part[0] for part in parts], counts),
        np.repeat([part[1] for part in parts], counts),
    )


def _count_samples(side: int, level: int, offset: int) -> int:
    """Return the samples of a subband along an axis (equation B-15); none if negative."""
    return _divide(side - (offset << (level - 1) if level else 0), level)


def _count_precincts(side: int, level: int) -> int:
    return _divide(_divide(side, level), PRECINCT)


def _divide(side: int, level: int) -> int:
    """Return ⌈side / 2^level⌉."""
    return -(-side >> level)


def _split_blocks(end: int, precinct: int, reach: int, log2: int) -> NDArray[np.int64]:
    """Return first and last + 1 sample of the blocks of a precinct along one axis of a subband: (n, 2).

    The subband has `end` samples, a precinct 2^reach, a code-block 2^log2.
    """
    start, end = precinct << reach, min((precinct + 1) << reach, end)
    if start >= end:
        return np.zeros((0, 2), np.int64)
    # Precincts are larger than code-blocks and start at a code-block's start.
    starts = np.arange(start, end, 1 << log2)
    return np.stack([starts, np.minimum(starts + (1 << log2), end)], 1)


def _list_areas(
    rows: NDArray[np.int64], columns: NDArray[np.int64], level: int, size: tuple[int, int]
) -> NDArray[np.float64]:
    """Return top, bottom, left and right in pixels of all blocks of a grid: (n, 4)."""
    down = np.minimum(rows << level, size[1])
    across = np.minimum(columns << level, size[0])
    return np.concatenate(
        [np.repeat(down, len(columns), 0), np.tile(across, (len(rows), 1))], 1
    ).astype(np.float64)
