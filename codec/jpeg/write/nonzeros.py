"""The nonzero AC coefficients of a component, in the order of a non-interleaved scan.

Such a scan holds the component's real blocks row by row (T.81 A.2.2). Most coefficients are zero, so that
this list makes progressive scans, and their many candidates, fast.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.jit import kernel
from codec.jpeg.syntax.bit_mask import find_lowest_bit, mark_nonzero_ac
from codec.jpeg.syntax.component import Component
from codec.jpeg.syntax.symbols import END_OF_BLOCK, SIZES, count_symbols


@dataclass(frozen=True, slots=True)
class Nonzeros:
    """Nonzero AC coefficients; those of block b are [starts[b] : starts[b + 1]]."""

    starts: NDArray[np.int32]
    """(blocks + 1,)"""
    positions: NDArray[np.uint8]
    """(n,) zigzag positions, 1..63."""
    values: NDArray[np.int16]
    """(n,)"""


@kernel
def _list_nonzeros(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    qcoefs: NDArray[np.int16],
    rows: int,
    columns: int,
    starts: NDArray[np.int32],
    positions: NDArray[np.uint8],
    values: NDArray[np.int16],
) -> int:
    """Fill the lists from the first `rows` and `columns` of blocks; return their length."""
    filled = 0
    starts[0] = 0
    for by in range(rows):
        for bx in range(columns):
            block = qcoefs[by, bx]
            waiting = mark_nonzero_ac(block)
            while waiting != np.uint64(0):
                k = find_lowest_bit(waiting)
                waiting &= waiting - np.uint64(1)
                positions[filled] = k
                values[filled] = block[k & 63]
                filled += 1
            starts[by * columns + bx + 1] = filled
    return filled


def list_nonzeros(component: Component, qcoefs: NDArray[np.int16]) -> Nonzeros:
    """Return the list for `qcoefs` (blocks_y, blocks_x, 64) zigzag."""
    rows, columns = component.real_rows, component.real_columns
    blocks = rows * columns
    # Sized for the worst case: memory that is not touched is free, and counting first takes as long.
    starts = np.empty(blocks + 1, np.int32)
    positions = np.empty(blocks * 63 + 1, np.uint8)
    values = np.empty(blocks * 63 + 1, np.int16)
    filled = _list_nonzeros(qcoefs, rows, columns, starts, positions, values)
    return Nonzeros(starts, positions[:filled], values[:filled])


@kernel
def count_baseline_symbols(
    starts: NDArray[np.int32],
    positions: NDArray[np.uint8],
    values: NDArray[np.int16],
    counts: NDArray[np.int64],
) -> None:
    """Add the AC symbols of a baseline scan of these coefficients to `counts` (256,)."""
    for block in range(starts.size - 1):
        before = 0
        for i in range(starts[block], starts[block + 1]):
            run = int(positions[i]) - before - 1
            count_symbols(run, SIZES[abs(int(values[i]))], 1, counts)
            before = int(positions[i])
        if before < 63:
            counts[END_OF_BLOCK] += 1
