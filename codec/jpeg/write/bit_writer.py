"""Packing bits into the bytes of an entropy-coded segment, with byte stuffing (T.81 F.1.2.3)."""

import numpy as np
from numpy.typing import NDArray

from codec.jit import kernel


@kernel
def append_bits(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    word: int, length: int, pending: int, waiting: int, written: int, out: NDArray[np.uint8]
) -> tuple[int, int, int]:
    """Append `word`, up to 32 bits; return the pending bits, their number and the bytes written.

    Bytes are written four at a time; up to 31 bits stay pending. A zero is written after every byte,
    and overwritten by the next byte unless it follows 0xFF.
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
    """Write the pending bits, with ones up to the end of the last byte; return the bytes written."""
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
