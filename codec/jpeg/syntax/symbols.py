"""The symbols of entropy-coded segments: a run of zeros and a size category (T.81 F.1.2, G.1.2).

The symbol of an AC coefficient is run << 4 | size; that of a DC difference is its size. The bits appended
to its code select one of the values of this size.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.jit import inlined
from codec.jpeg.syntax.bit_mask import find_lowest_bit, mark_nonzero_ac

END_OF_BLOCK: Final = 0x00
"""EOB: no nonzero coefficient follows in the block (F.1.2.2.1)."""
ZERO_RUN: Final = 0xF0
"""ZRL: sixteen zeros, with more symbols of the block to follow (F.1.2.2.1)."""
SIZES: Final = np.array([magnitude.bit_length() for magnitude in range(1 << 15)], np.uint8)
"""Size category of each magnitude (tables F.1 and F.2). A lookup is faster than counting bits."""
APPENDED_BITS: Final = np.arange(256) & 15
"""(256,) number of bits appended to each symbol's code, except for EOBn of progressive scans."""


@inlined
def count_symbols(run: int, size: int, times: int, counts: NDArray[np.int64]) -> None:
    """Add the symbols of `run` zeros and a value of `size` to `counts` (256,), `times` times."""
    counts[ZERO_RUN] += times * (run >> 4)
    counts[(run & 15) * 16 + size] += times


@inlined
def count_block_symbols(qcoefs: NDArray[np.int16], times: int, counts: NDArray[np.int64]) -> None:
    """Add the AC symbols of a block (64,) zigzag to `counts` (256,), `times` times."""
    before = 0
    waiting = mark_nonzero_ac(qcoefs)
    while waiting != np.uint64(0):
        k = find_lowest_bit(waiting)
        waiting &= waiting - np.uint64(1)
        count_symbols(k - before - 1, SIZES[abs(int(qcoefs[k & 63]))], times, counts)
        before = k
    if before < 63:
        counts[END_OF_BLOCK] += times
