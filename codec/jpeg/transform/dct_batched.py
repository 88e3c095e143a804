"""The 8×8 DCT and its inverse of a few blocks at once, for stages that alternate between the two.

A batch is float32 (64 · LANES): sample or coefficient i, in natural order, of all blocks before i + 1.
Neighbours in memory are independent, which the compiler turns into vector instructions.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.jit import inlined, kernel
from codec.jpeg.transform.dct import Line, inverse_transform_line, transform_line

LANES: Final = 16
"""Blocks of a batch."""


@inlined
def _replace_lines(
    replace_line: Callable[..., Line], values: NDArray[np.float32], apart: int, across: int
) -> None:
    """Replace every row (apart 1, across 8) or column (8, 1) by the result of `replace_line`.

    `apart` is the distance between the values of a line, `across` that between lines, in values.
    """
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
            ) = replace_line(
                values[x],
                values[x + step],
                values[x + 2 * step],
                values[x + 3 * step],
                values[x + 4 * step],
                values[x + 5 * step],
                values[x + 6 * step],
                values[x + 7 * step],
            )


# Each is compiled once for rows and columns: inlined into both calls, deringing takes 10 % longer.
@kernel
def _transform_lines(values: NDArray[np.float32], apart: int, across: int) -> None:
    _replace_lines(transform_line, values, apart, across)


@kernel
def _inverse_transform_lines(values: NDArray[np.float32], apart: int, across: int) -> None:
    _replace_lines(inverse_transform_line, values, apart, across)


@kernel
def transform_lanes(values: NDArray[np.float32]) -> None:
    """Replace a batch of samples by its coefficients, columns first as `codec.jpeg.transform.dct` does."""
    _transform_lines(values, 8, 1)
    _transform_lines(values, 1, 8)


@kernel
def inverse_transform_lanes(values: NDArray[np.float32]) -> None:
    """Replace a batch of coefficients by its samples."""
    _inverse_transform_lines(values, 1, 8)
    _inverse_transform_lines(values, 8, 1)
