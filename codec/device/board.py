"""The board: everything that a launch goes by and gives back, as one array on either side.

One copy takes it to the device, its counters at zero, and one copy brings the counters back.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.quantizer import Steps
from codec.rdoq import bound_rates, tabulate_rates
from codec.trellis import END_OF_BLOCK

# Rows (64,) of float32. Of each component: 1 / steps, what a squared error of a step is worth, the
# steps, what errors count. Then single numbers, and by kind the tables of rates.
INVERSE: Final = 0
SCALES: Final = 3
STEPS: Final = 6
SENSITIVITIES: Final = 9
SINGLE: Final = 12
BITS: Final = 13
BOUNDS: Final = 45
ROWS: Final = 77
# Columns of SINGLE: rates of an end of block by kind, and blocks that one of a sample stands for.
END_RATES: Final = 0
FACTORS: Final = 2
# Rows (256,) of counters, int32: DC by kind, then AC by kind.
AC: Final = 2
COUNTED: Final = 4
COUNTERS_FROM: Final = ROWS * 64
ERRORS_FROM: Final = COUNTERS_FROM + COUNTED * 256
"""Behind the counters stands an error for each block."""


def fill_board(
    board: NDArray[np.float32],
    steps: Steps,
    rates: Sequence[NDArray[np.float32]],
    sensitivities: Sequence[NDArray[np.float32]],
    factors: Sequence[float],
) -> None:
    """Write what the next launch goes by into `board` (ERRORS_FROM,), and zeros into its counters."""
    rows = board[:COUNTERS_FROM].reshape(ROWS, 64)
    parts = zip(
        steps.inverse, steps.distortion_scales, steps.quant_tables, sensitivities, strict=True
    )
    for i, (inverse, scales, table, own) in enumerate(parts):
        rows[INVERSE + i] = inverse
        rows[SCALES + i] = scales
        rows[STEPS + i] = table
        rows[SENSITIVITIES + i] = own
        rows[SINGLE, FACTORS + i] = factors[i]
    for kind, own in enumerate(rates):
        bits = tabulate_rates(own)
        rows[SINGLE, END_RATES + kind] = own[END_OF_BLOCK]
        rows[BITS + 16 * kind : BITS + 16 * kind + 16] = bits
        rows[BOUNDS + 16 * kind : BOUNDS + 16 * kind + 16] = bound_rates(bits)
    board[COUNTERS_FROM:] = 0


def fill_reference(
    board: NDArray[np.float32],
    steps: Sequence[NDArray[np.float32]],
    sensitivities: Sequence[NDArray[np.float32]],
) -> None:
    """Write what plain rounding by `steps` (64,) goes by into `board`."""
    rows = board[:COUNTERS_FROM].reshape(ROWS, 64)
    for i, (table, own) in enumerate(zip(steps, sensitivities, strict=True)):
        rows[INVERSE + i] = np.float32(1.0) / table
        rows[STEPS + i] = table
        rows[SENSITIVITIES + i] = own
