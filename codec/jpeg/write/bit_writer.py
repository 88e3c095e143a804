"""Bits to bytes of an entropy-coded segment, stuffed (T.81 F.1.2.3)."""

import numpy as np
from numpy.typing import NDArray

from codec.jit import kernel


@kernel
def append_bits(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    word: int, length: int, pending: int, waiting: int, written: int, out: NDArray[np.uint8]
) -> tuple[int, int, int]:
    """Append `word`, up to 32 bits; return the bits that still wait, their number, bytes written.

    Bytes are written four at a time, up to 31 bits wait for more. A zero follows every byte, and
    only after 0xFF it isn't written over.
    """
    pending = (pending << length) | word
    waiting += length
    if waiting >= 32:
        waiting -= 32
        four = pending >> waiting
        pending &= (1 << waiting) - 1
        for place in (24, 16, 8, 0):
            byte = (four >> place) & 0xFF
            out[written] = byte
            out[written + 1] = 0
            written += 1 + (byte == 0xFF)
    return pending, waiting, written


@kernel
def complete_byte(pending: int, waiting: int, written: int, out: NDArray[np.uint8]) -> int:
    """Write what waits, the last byte filled with ones as F.1.2.3 asks; return the bytes written."""
    fill = -waiting % 8
    pending = (pending << fill) | ((1 << fill) - 1)
    waiting += fill
    while waiting > 0:
        waiting -= 8
        byte = (pending >> waiting) & 0xFF
        out[written] = byte
        out[written + 1] = 0
        written += 1 + (byte == 0xFF)
    return written
