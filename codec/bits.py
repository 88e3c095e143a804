"""Bits to bytes of an entropy-coded segment, stuffed (T.81 F.1.2.3)."""

import numpy as np
from numpy.typing import NDArray

from codec.kernel import kernel


@kernel
def append_bits(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    word: int, length: int, pending: int, waiting: int, written: int, out: NDArray[np.uint8]
) -> tuple[int, int, int]:
    """Append `word`, up to 32 bits; return the bits that still wait, their number, bytes written."""
    pending = (pending << length) | word
    waiting += length
    while waiting >= 8:
        waiting -= 8
        byte = (pending >> waiting) & 0xFF
        out[written] = byte
        written += 1
        if byte == 0xFF:
            out[written] = 0
            written += 1
    return pending & ((1 << waiting) - 1), waiting, written


@kernel
def complete_byte(pending: int, waiting: int, written: int, out: NDArray[np.uint8]) -> int:
    """Fill the last byte with ones, as F.1.2.3 asks; return the bytes written."""
    if waiting > 0:
        fill = 8 - waiting
        written = append_bits((1 << fill) - 1, fill, pending, waiting, written, out)[2]
    return written
