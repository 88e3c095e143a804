"""The symbols and appended bits of an entropy-coded segment (T.81 F.2.2).

A position is a number of bits from the segment's start. One look at a table finds a code of up to
nine bits; a longer one is compared with the largest code of each length (F.2.2.3).
"""

import numpy as np
from numpy.typing import NDArray

from codec.jit import inlined, kernel
from codec.jpeg.decode.marker_segments import UnreadableSourceError

# A lookup is one array of four parts: an entry for each nine bits; for each length of codes the upper
# bound of its codes, and the offset from a code to the place of its symbol; the symbols.
_FAST_BITS = 9
_BOUNDS = 1 << _FAST_BITS
_OFFSETS = _BOUNDS + 17
_SYMBOLS = _OFFSETS + 17
LOOKUP_SIZE = _SYMBOLS + 256


@kernel
def peek(bits: NDArray[np.uint8], at: int) -> int:
    """Return the 16 bits from the position `at` on."""
    i = at >> 3
    word = (int(bits[i]) << 16) | (int(bits[i + 1]) << 8) | int(bits[i + 2])
    return (word >> (8 - (at & 7))) & 0xFFFF


@kernel
def read_symbol(bits: NDArray[np.uint8], at: int, lookup: NDArray[np.int32]) -> int:
    """Return symbol << 5 | length of the code at `at`, or 0 where no code begins with these bits."""
    return find_symbol(peek(bits, at), lookup)


@inlined
def find_symbol(word: int, lookup: NDArray[np.int32]) -> int:
    """Return the same for the code with which the 16 bits in `word` begin."""
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
    """Return the value of the first `size` of the 16 bits in `word` (EXTEND, F.2.2.1)."""
    if size == 0:
        return 0
    value = word >> (16 - size)
    return value if value >> (size - 1) else value - (1 << size) + 1


@kernel
def _fill_lookup(
    counts: NDArray[np.uint8], symbols: NDArray[np.uint8], lookup: NDArray[np.int32]
) -> bool:
    """Fill `lookup`; return whether codes of these lengths exist, none of them all ones (T.81 C.2)."""
    code = 0
    filled = 0
    for length in range(1, 17):
        count = int(counts[length - 1])
        if count > 0 and code + count >= 1 << length:
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
    """Return the lookup (LOOKUP_SIZE,) of a table as in DHT: 16 counts of codes, then the symbols.

    Raises:
        UnreadableSourceError: there are more codes of a length than bits for them, or one is all ones.
    """
    lookup = np.zeros(LOOKUP_SIZE, np.int32)
    if not _fill_lookup(np.frombuffer(counts, np.uint8), np.frombuffer(symbols, np.uint8), lookup):
        raise UnreadableSourceError("a Huffman table has too many codes of a length")
    return lookup
