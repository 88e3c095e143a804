"""Sets of coefficients as bits of one number, to visit the few nonzero ones without a branch for each."""

from collections.abc import Callable
from typing import Any, Final, cast

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from codec.jit import inlined


@intrinsic
def _count_trailing_zeros(_context: Any, _bits: Any) -> Any:
    """Return the type and the generator of LLVM's cttz, as numba asks for."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), generate


find_lowest_bit: Final = cast("Callable[[np.uint64], int]", _count_trailing_zeros)
"""Returns the position of the lowest bit that is set in a number (uint64) other than 0."""


@inlined
def mark_nonzero_ac(qcoefs: NDArray[np.int16]) -> np.uint64:
    """Return the zigzag positions of a block's nonzero AC coefficients (64,) as bits."""
    marked = np.uint64(0)
    for k in range(64):
        marked |= np.uint64(qcoefs[k] != 0) << np.uint64(k)
    return marked & ~np.uint64(1)
