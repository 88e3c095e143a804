"""The AC coefficients of a component that are not zero, in the order of a scan of its own.

Such a scan holds the component's real blocks only, row by row (T.81 A.2.2), and most of their
coefficients are zero: every progressive scan, and every candidate for one, walks this list instead.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.component import Component
from codec.kernel import kernel


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
def _list_nonzeros(
    qcoefs: NDArray[np.int16],
    quads: NDArray[np.int64],
    starts: NDArray[np.int32],
    positions: NDArray[np.uint8],
    values: NDArray[np.int16],
) -> int:
    """Fill the lists; `quads` holds the same memory, four coefficients to a number."""
    rows, columns = qcoefs.shape[:2]
    filled = 0
    starts[0] = 0
    for by in range(rows):
        for bx in range(columns):
            for quad in range(16):
                if quads[by, bx, quad] == 0:
                    continue
                for k in range(max(4 * quad, 1), 4 * quad + 4):
                    value = qcoefs[by, bx, k]
                    if value != 0:
                        positions[filled] = k
                        values[filled] = value
                        filled += 1
            starts[by * columns + bx + 1] = filled
    return filled


def list_nonzeros(component: Component, qcoefs: NDArray[np.int16]) -> Nonzeros:
    """Return the list for `qcoefs` (blocks_y, blocks_x, 64) zigzag."""
    rows, columns = component.real_rows, component.real_columns
    # Memory that is never written to costs nothing, and counting first takes as long as listing.
    most = rows * columns * 63
    starts = np.empty(rows * columns + 1, np.int32)
    positions = np.empty(most, np.uint8)
    values = np.empty(most, np.int16)
    quads = qcoefs.view(np.int64)
    filled = _list_nonzeros(
        qcoefs[:rows, :columns], quads[:rows, :columns], starts, positions, values
    )
    return Nonzeros(starts, positions[:filled], values[:filled])
