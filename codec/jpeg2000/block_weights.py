"""Weights of code-blocks: the mean of the saliency weights over the pixels that a code-block covers."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.jpeg2000.layout import Layout
from codec.saliency_weights import rank_blocks, weigh_saliency

CELL_PX: Final = 16
"""Sides of the cells on which the map is ranked."""


def weigh_blocks(
    layout: Layout,
    size: tuple[int, int],
    saliency: NDArray[np.float32] | None,
    ratio: float,
    rise: tuple[float, float],
) -> NDArray[np.float64]:
    """Return the weight of each code-block's squared errors: (blocks,), 1..`ratio`.

    Args:
        layout: the code-blocks.
        size: width and height in pixels.
        saliency: (h', w') of any size in [0, 1]; None weighs all blocks 1.
        ratio: weight of the most salient pixels over that of the background.
        rise: ranks by area between which the weight rises.
    """
    if saliency is None:
        return np.ones(layout.blocks)
    columns, rows = (-(-side // CELL_PX) for side in size)
    cells = weigh_saliency(rank_blocks(saliency, rows, columns), ratio, rise)
    return average_areas(cells, layout.areas / CELL_PX)


def average_areas(cells: NDArray[np.float32], areas: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the means of (rows, columns) of cells over areas: top, bottom, left and right in cells.

    An area has at least a part of a cell: (n, 4) -> (n,).
    """
    sums = np.zeros((cells.shape[0] + 1, cells.shape[1] + 1))
    sums[1:, 1:] = cells.cumsum(0, dtype=np.float64).cumsum(1)
    top, bottom, left, right = areas.T
    total = _interpolate(sums, bottom, right) + _interpolate(sums, top, left)
    total -= _interpolate(sums, bottom, left) + _interpolate(sums, top, right)
    means: NDArray[np.float64] = total / ((bottom - top) * (right - left))
    return means


def _interpolate(
    sums: NDArray[np.float64], y: NDArray[np.float64], x: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the sums over the cells above and left of points: bilinear, which is exact."""
    row = np.minimum(y.astype(np.int64), sums.shape[0] - 2)
    column = np.minimum(x.astype(np.int64), sums.shape[1] - 2)
    down, across = y - row, x - column
    upper = sums[row, column] * (1 - across) + sums[row, column + 1] * across
    lower = sums[row + 1, column] * (1 - across) + sums[row + 1, column + 1] * across
    found: NDArray[np.float64] = upper * (1 - down) + lower * down
    return found
