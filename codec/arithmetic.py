"""What a processor and a CUDA device do each in its own way, under one name.

These are the processor's; `codec.device` puts the device's in their place, with the same results.
"""

import numpy as np
from numpy.typing import NDArray

from codec.kernel import part
from codec.tokens import SIZES


@part
def times(a: np.float32, b: np.float32) -> np.float32:
    """Return a · b, rounded to float32 whatever is added to it.

    A device's compiler otherwise fuses product and sum, with one rounding less.
    """
    return a * b


@part
def nearest(value: float) -> int:
    """Return the nearest integer, the even one of two."""
    return int(np.rint(value))


@part
def rounded(value: np.float32) -> np.float32:
    """Return the nearest whole number, the even one of two, as it is."""
    return np.rint(value)  # type: ignore[no-any-return]


@part
def size_of(magnitude: int) -> int:
    """Return the bits of a magnitude below 2^15 (T.81 table F.1)."""
    return int(SIZES[magnitude])


@part
def tally(counts: NDArray[np.int64], symbol: int, times_seen: int) -> None:
    """Add to the count of a symbol; on a device other threads do so at the same time."""
    counts[symbol] += times_seen
