"""The 8×8 DCT and its inverse of a few blocks at once, for stages that alternate between the two.

A batch is float32 (64 · BATCH_BLOCKS,): value 0 of every block, then value 1 of every block, and so
on. Values are samples or coefficients in natural order. Neighbours in memory are independent, so the
compiler can use vector instructions.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.jit import inlined, kernel
from codec.jpeg.transform.dct import Line, inverse_transform_line, transform_line

BATCH_BLOCKS: Final = 16
"""Blocks of a batch."""


@inlined
def _replace_lines(
    replace_line: Callable[..., Line],
    values: NDArray[np.float32],
    value_stride: int,
    line_stride: int,
) -> None:
    """Replace every row or column by the result of `replace_line`.

    `value_stride` is the distance between the values of a line, `line_stride` that between lines:
    1 and 8 for rows, 8 and 1 for columns.
    """
    for line in range(8):
        at = line * line_stride * BATCH_BLOCKS
        step = value_stride * BATCH_BLOCKS
        for x in range(at, at + BATCH_BLOCKS):
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
def _transform_lines(values: NDArray[np.float32], value_stride: int, line_stride: int) -> None:
    _replace_lines(transform_line, values, value_stride, line_stride)


@kernel
def _inverse_transform_lines(
    values: NDArray[np.float32], value_stride: int, line_stride: int
) -> None:
    _replace_lines(inverse_transform_line, values, value_stride, line_stride)


@kernel
def transform_batch(values: NDArray[np.float32]) -> None:
    """Replace a batch of samples by its coefficients, columns first as `codec.jpeg.transform.dct` does."""
    _transform_lines(values, 8, 1)
    _transform_lines(values, 1, 8)


@kernel
def inverse_transform_batch(values: NDArray[np.float32]) -> None:
    """Replace a batch of coefficients by its samples."""
    _inverse_transform_lines(values, 1, 8)
    _inverse_transform_lines(values, 8, 1)
