"""Bits of packet headers, with a zero bit stuffed after each byte 0xFF (ISO/IEC 15444-1 B.10.1).

A cursor is an array of four numbers: the position of the next byte, the current byte, its bits that
are left, and a mark that is set where a reader went past the end.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.jit import kernel

POSITION: Final = 0
BYTE: Final = 1
LEFT: Final = 2
FAILED: Final = 3
CURSOR_SIZE: Final = 4
STUFFED: Final = 0xFF

MAX_PASSES: Final = 164


@kernel
def read_bit(data: NDArray[np.uint8], cursor: NDArray[np.int64]) -> int:
    """Return the next bit; past the end 0, with the cursor's mark set."""
    if cursor[LEFT] == 0:
        if cursor[POSITION] >= data.size:
            cursor[FAILED] = 1
            return 0
        cursor[LEFT] = 7 if cursor[BYTE] == STUFFED else 8
        cursor[BYTE] = data[cursor[POSITION]]
        cursor[POSITION] += 1
    cursor[LEFT] -= 1
    bit: int = (cursor[BYTE] >> cursor[LEFT]) & 1
    return bit


@kernel
def read_bits(data: NDArray[np.uint8], cursor: NDArray[np.int64], count: int) -> int:
    """Return the next `count` bits as a number."""
    value = 0
    for _ in range(count):
        value = 2 * value + read_bit(data, cursor)
    return value


@kernel
def read_pass_count(data: NDArray[np.uint8], cursor: NDArray[np.int64]) -> int:
    """Return a number of coding passes, 1..164 (Table B.4)."""
    if not read_bit(data, cursor):
        return 1
    if not read_bit(data, cursor):
        return 2
    value = read_bits(data, cursor, 2)
    if value < 3:
        return 3 + value
    value = read_bits(data, cursor, 5)
    if value < 31:
        return 6 + value
    return 37 + read_bits(data, cursor, 7)


@kernel
def align_reader(data: NDArray[np.uint8], cursor: NDArray[np.int64]) -> None:
    """Move to the byte after the header; a header that ends in 0xFF has one more byte."""
    if cursor[BYTE] == STUFFED:
        if cursor[POSITION] >= data.size:
            cursor[FAILED] = 1
        cursor[POSITION] += 1
    cursor[BYTE] = 0
    cursor[LEFT] = 0


@kernel
def write_bit(out: NDArray[np.uint8], cursor: NDArray[np.int64], bit: int) -> None:
    """Append a bit. `out` must have room."""
    if cursor[LEFT] == 0:
        cursor[LEFT] = 7 if cursor[BYTE] == STUFFED else 8
        cursor[BYTE] = 0
        cursor[POSITION] += 1
    cursor[LEFT] -= 1
    cursor[BYTE] |= bit << cursor[LEFT]
    out[cursor[POSITION] - 1] = cursor[BYTE]


@kernel
def write_bits(out: NDArray[np.uint8], cursor: NDArray[np.int64], value: int, count: int) -> None:
    """Append a number in `count` bits."""
    for shift in range(count - 1, -1, -1):
        write_bit(out, cursor, (value >> shift) & 1)


@kernel
def write_pass_count(out: NDArray[np.uint8], cursor: NDArray[np.int64], count: int) -> None:
    """Append a number of coding passes, 1..164 (Table B.4)."""
    if count == 1:
        write_bit(out, cursor, 0)
    elif count == 2:
        write_bits(out, cursor, 0b10, 2)
    elif count <= 5:
        write_bits(out, cursor, 0b1100 | (count - 3), 4)
    elif count <= 36:
        write_bits(out, cursor, 0b1111 << 5 | (count - 6), 9)
    else:
        write_bits(out, cursor, 0x1FF << 7 | (count - 37), 16)


@kernel
def align_writer(out: NDArray[np.uint8], cursor: NDArray[np.int64]) -> None:
    """Fill the last byte with zeros; a header that would end in 0xFF gets one more byte."""
    if cursor[BYTE] == STUFFED:
        out[cursor[POSITION]] = 0
        cursor[POSITION] += 1
    cursor[BYTE] = 0
    cursor[LEFT] = 0


@kernel
def floor_log2(value: int) -> int:
    """Return ⌊log₂ value⌋ of a number ≥ 1."""
    found = 0
    while value > 1:
        value >>= 1
        found += 1
    return found
