"""Bits of an entropy-coded segment and the symbols of its Huffman codes (T.81 F.2.2).

A position is the number of bits before it. Codes of up to nine bits are found by one look, longer
ones by comparing with the end of each length's codes (F.2.2.3).
"""

import numpy as np
from numpy.typing import NDArray

from codec.jit import kernel
from codec.jpeg.decode.marker_segments import UnreadableSourceError

_FAST_BITS = 9
_BOUNDS = 1 << _FAST_BITS
_OFFSETS = _BOUNDS + 17
_SYMBOLS = _OFFSETS + 17
LOOKUP_SIZE = _SYMBOLS + 256
PADDING_BYTES = 640
"""Bytes behind the last interval: more than one block's symbols can take, so that ends are
checked once a block."""


@kernel
def peek(bits: NDArray[np.uint8], at: int) -> int:
    """Return the 16 bits from `at` on."""
    i = at >> 3
    word = (int(bits[i]) << 16) | (int(bits[i + 1]) << 8) | int(bits[i + 2])
    return (word >> (8 - (at & 7))) & 0xFFFF


@kernel
def read_symbol(bits: NDArray[np.uint8], at: int, lookup: NDArray[np.int32]) -> int:
    """Return symbol << 5 | length of the code at `at`; 0 where there is none."""
    word = peek(bits, at)
    entry = int(lookup[word >> (16 - _FAST_BITS)])
    if entry != 0:
        return entry
    for length in range(_FAST_BITS + 1, 17):
        if word < lookup[_BOUNDS + length]:
            place = lookup[_OFFSETS + length] + (word >> (16 - length))
            return (int(lookup[_SYMBOLS + place]) << 5) | length
    return 0


@kernel
def extend(word: int, size: int) -> int:
    """Return the value whose `size` appended bits begin the 16 of `word` (F.2.2.1)."""
    if size == 0:
        return 0
    value = word >> (16 - size)
    return value if value >> (size - 1) else value - (1 << size) + 1


@kernel
def _fill_lookup(
    counts: NDArray[np.uint8], symbols: NDArray[np.uint8], lookup: NDArray[np.int32]
) -> bool:
    code = 0
    filled = 0
    for length in range(1, 17):
        count = int(counts[length - 1])
        if code + count > 1 << length:
            return False
        lookup[_OFFSETS + length] = filled - code
        for _ in range(count):
            lookup[_SYMBOLS + filled] = symbols[filled]
            if length <= _FAST_BITS:
                spread = _FAST_BITS - length
                entry = (int(symbols[filled]) << 5) | length
                lookup[code << spread : (code + 1) << spread] = entry
            code += 1
            filled += 1
        lookup[_BOUNDS + length] = code << (16 - length)
        code <<= 1
    return True


def build_lookup(counts: bytes, symbols: bytes) -> NDArray[np.int32]:
    """Return the lookup (LOOKUP_SIZE,) of a table as DHT has it: 16 counts, then the symbols.

    Raises:
        UnreadableSourceError: no code has these lengths.
    """
    lookup = np.zeros(LOOKUP_SIZE, np.int32)
    if not _fill_lookup(np.frombuffer(counts, np.uint8), np.frombuffer(symbols, np.uint8), lookup):
        raise UnreadableSourceError("no Huffman code has these lengths")
    return lookup


@kernel
def _unstuff(
    data: NDArray[np.uint8], start: int, bits: NDArray[np.uint8], ends: NDArray[np.int64]
) -> tuple[int, int, int]:
    """Return where the scan's end marker stands, the bytes without stuffing, and the intervals."""
    filled = 0
    intervals = 0
    i = start
    while i + 1 < data.size:
        byte = data[i]
        if byte != 0xFF:
            bits[filled] = byte
            filled += 1
            i += 1
            continue
        following = data[i + 1]
        if following == 0:
            bits[filled] = 0xFF
            filled += 1
            i += 2
            continue
        first = i
        while following == 0xFF and i + 2 < data.size:  # fill bytes
            i += 1
            following = data[i + 1]
        ends[intervals] = filled * 8
        intervals += 1
        if following < 0xD0 or following > 0xD7:
            return (first if following != 0 else -1), filled, intervals
        if following != 0xD0 + (intervals - 1) % 8 or intervals == ends.size:
            return -1, filled, intervals
        i += 2
    return -1, filled, intervals


def unstuff(
    data: NDArray[np.uint8], start: int, most_intervals: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64], int]:
    """Return a scan's bits without stuffing and markers, the ends of its intervals, and where it ends.

    The bits are followed by PADDING_BYTES zeros; ends (n,) are positions in them, each the next
    interval's start.

    Raises:
        UnreadableSourceError: restart markers are missing, out of order or more than expected, or
            the file ends before the scan does.
    """
    bits = np.empty(data.size - start + PADDING_BYTES, np.uint8)
    ends = np.zeros(most_intervals, np.int64)
    end, filled, intervals = _unstuff(data, start, bits, ends)
    if end < 0 or intervals != most_intervals:
        raise UnreadableSourceError("a scan that is cut off or whose intervals don't add up")
    bits[filled : filled + PADDING_BYTES] = 0
    return bits[: filled + PADDING_BYTES], ends, end
