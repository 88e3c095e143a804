"""The 8×8 DCT and its inverse of a few blocks at once, for stages that go to and fro.

A batch is float32 (64 · LANES): sample or coefficient i, in natural order, of all blocks before i + 1.
Neighbours in memory are independent, which the compiler turns into vector instructions.
"""

import numpy as np
from numpy.typing import NDArray

from codec.jit import kernel
from codec.jpeg.transform.dct import C1, C2, C3, C4, C5, C6, C7

LANES = 16
"""Blocks of a batch."""


@kernel
def _transform_lines(values: NDArray[np.float32], apart: int, across: int) -> None:
    """Transform every row (apart 1, across 8) or column (8, 1), as `codec.jpeg.transform.dct` does."""
    for line in range(8):
        at = line * across * LANES
        step = apart * LANES
        for x in range(at, at + LANES):
            s07 = values[x] + values[x + 7 * step]
            d07 = values[x] - values[x + 7 * step]
            s16 = values[x + step] + values[x + 6 * step]
            d16 = values[x + step] - values[x + 6 * step]
            s25 = values[x + 2 * step] + values[x + 5 * step]
            d25 = values[x + 2 * step] - values[x + 5 * step]
            s34 = values[x + 3 * step] + values[x + 4 * step]
            d34 = values[x + 3 * step] - values[x + 4 * step]
            values[x] = C4 * ((s07 + s34) + (s16 + s25))
            values[x + 4 * step] = C4 * ((s07 + s34) - (s16 + s25))
            values[x + 2 * step] = C2 * (s07 - s34) + C6 * (s16 - s25)
            values[x + 6 * step] = C6 * (s07 - s34) - C2 * (s16 - s25)
            values[x + step] = C1 * d07 + C3 * d16 + C5 * d25 + C7 * d34
            values[x + 3 * step] = C3 * d07 - C7 * d16 - C1 * d25 - C5 * d34
            values[x + 5 * step] = C5 * d07 - C1 * d16 + C7 * d25 + C3 * d34
            values[x + 7 * step] = C7 * d07 - C5 * d16 + C3 * d25 - C1 * d34


@kernel
def _transform_lines_back(values: NDArray[np.float32], apart: int, across: int) -> None:
    """Undo `_transform_lines`."""
    for line in range(8):
        at = line * across * LANES
        step = apart * LANES
        for x in range(at, at + LANES):
            y1, y3 = values[x + step], values[x + 3 * step]
            y5, y7 = values[x + 5 * step], values[x + 7 * step]
            sum04 = C4 * (values[x] + values[x + 4 * step])
            dif04 = C4 * (values[x] - values[x + 4 * step])
            sum26 = C2 * values[x + 2 * step] + C6 * values[x + 6 * step]
            dif26 = C6 * values[x + 2 * step] - C2 * values[x + 6 * step]
            odd0 = C1 * y1 + C3 * y3 + C5 * y5 + C7 * y7
            odd1 = C3 * y1 - C7 * y3 - C1 * y5 - C5 * y7
            odd2 = C5 * y1 - C1 * y3 + C7 * y5 + C3 * y7
            odd3 = C7 * y1 - C5 * y3 + C3 * y5 - C1 * y7
            values[x] = sum04 + sum26 + odd0
            values[x + 7 * step] = sum04 + sum26 - odd0
            values[x + step] = dif04 + dif26 + odd1
            values[x + 6 * step] = dif04 + dif26 - odd1
            values[x + 2 * step] = dif04 - dif26 + odd2
            values[x + 5 * step] = dif04 - dif26 - odd2
            values[x + 3 * step] = sum04 - sum26 + odd3
            values[x + 4 * step] = sum04 - sum26 - odd3


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
