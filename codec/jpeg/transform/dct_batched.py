"""The 8×8 DCT and its inverse of a few blocks at once, for stages that go to and fro.

A batch is float32 (64 · LANES): sample or coefficient i, in natural order, of all blocks before i + 1.
Neighbours in memory are independent, which the compiler turns into vector instructions.
"""

import numpy as np
from numpy.typing import NDArray

from codec.jit import kernel
from codec.jpeg.transform.dct import restore_line, transform_line

LANES = 16
"""Blocks of a batch."""


@kernel
def _transform_lines(values: NDArray[np.float32], apart: int, across: int) -> None:
    """Transform every row (apart 1, across 8) or column (8, 1), as `codec.jpeg.transform.dct` does."""
    for line in range(8):
        at = line * across * LANES
        step = apart * LANES
        for x in range(at, at + LANES):
            (
                values[x],
                values[x + step],
                values[x + 2 * step],
                values[x + 3 * step],
                values[x + 4 * step],
                values[x + 5 * step],
                values[x + 6 * step],
                values[x + 7 * step],
            ) = transform_line(
                values[x],
                values[x + step],
                values[x + 2 * step],
                values[x + 3 * step],
                values[x + 4 * step],
                values[x + 5 * step],
                values[x + 6 * step],
                values[x + 7 * step],
            )


@kernel
def _transform_lines_back(values: NDArray[np.float32], apart: int, across: int) -> None:
    """Undo `_transform_lines`."""
    for line in range(8):
        at = line * across * LANES
        step = apart * LANES
        for x in range(at, at + LANES):
            (
                values[x],
                values[x + step],
                values[x + 2 * step],
                values[x + 3 * step],
                values[x + 4 * step],
                values[x + 5 * step],
                values[x + 6 * step],
                values[x + 7 * step],
            ) = restore_line(
                values[x],
                values[x + step],
                values[x + 2 * step],
                values[x + 3 * step],
                values[x + 4 * step],
                values[x + 5 * step],
                values[x + 6 * step],
                values[x + 7 * step],
            )


@kernel
def transform_lanes(values: NDArray[np.float32]) -> None:
    """Replace a batch of samples by its coefficients, columns first as `codec.jpeg.transform.dct` does."""
    _transform_lines(values, 8, 1)
    _transform_lines(values, 1, 8)


@kernel
def transform_back(values: NDArray[np.float32]) -> None:
    """Replace a batch of coefficients by its samples."""
    _transform_lines_back(values, 1, 8)
    _transform_lines_back(values, 8, 1)
