"""Huffman tables from symbol counts: code lengths (T.81 K.2) and codes (T.81 Annex C)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.jit import kernel
from codec.jpeg.syntax.symbols import APPENDED_BITS

MAX_LENGTH = 16
_RESERVED = 256  # a symbol that takes the code of all ones, which no real symbol may have (K.2)


@dataclass(frozen=True, slots=True)
class HuffmanTable:
    """One table, in the form of DHT and as codes by symbol."""

    bits: NDArray[np.int64]
    """(17,) number of codes of each length; entry 0 is unused."""
    symbols: NDArray[np.int64]
    """Symbols by rising code length."""
    lengths: NDArray[np.int64]
    """(256,) code length of each symbol, 0 where it has none."""
    codes: NDArray[np.int64]
    """(256,) code of each symbol."""


@kernel
def _find_rarest(counts: NDArray[np.int64], skip: int) -> int:
    """Return the index of the smallest nonzero count except `skip`; the last of equals; −1 if there is none."""
    best = -1
    for place in range(counts.size):
        count = counts[place]
        if count > 0 and place != skip and (best < 0 or count <= counts[best]):
            best = place
    return best


@kernel
def _find_code_sizes(symbol_counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the code length of each symbol, not limited, by merging the two rarest trees (figure K.1)."""
    # Few of the 256 symbols occur, and each merge searches all of them.
    used = np.empty(_RESERVED + 1, np.int64)
    counts = np.zeros(_RESERVED + 1, np.int64)
    others = np.empty(_RESERVED + 1, np.int64)
    size = 0
    for symbol in range(_RESERVED + 1):
        count = symbol_counts[symbol] if symbol < _RESERVED else 1
        if count > 0:
            used[size] = symbol
            counts[size] = count
            others[size] = -1
            size += 1
    counts = counts[:size]
    used_sizes = np.zeros(size, np.int64)
    while True:
        first = _find_rarest(counts, -1)
        second = _find_rarest(counts, first)
        if second < 0:
            break
        counts[first] += counts[second]
        counts[second] = 0
        last = first
        used_sizes[last] += 1
        while others[last] >= 0:
            last = others[last]
            used_sizes[last] += 1
        others[last] = second
        last = second
        used_sizes[last] += 1
        while others[last] >= 0:
            last = others[last]
            used_sizes[last] += 1
    sizes = np.zeros(_RESERVED + 1, np.int64)
    for place in range(size):
        sizes[used[place]] = used_sizes[place]
    return sizes


@kernel
def _limit_lengths(histogram: NDArray[np.int64]) -> None:
    """Shorten codes of more than 16 bits, then remove the reserved one (figure K.3)."""
    for length in range(histogram.size - 1, MAX_LENGTH, -1):
        while histogram[length] > 0:
            shorter = length - 2
            while histogram[shorter] == 0:
                shorter -= 1
            histogram[length] -= 2
            histogram[length - 1] += 1
            histogram[shorter + 1] += 2
            histogram[shorter] -= 1
    longest = MAX_LENGTH
    while longest > 0 and histogram[longest] == 0:
        longest -= 1
    histogram[longest] -= 1


@kernel
def _build_arrays(
    counts: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the fields of HuffmanTable (figures K.2, K.4, C.1 and C.2)."""
    sizes = _find_code_sizes(counts)
    histogram = np.zeros(258, np.int64)
    used = 0
    longest = 0
    for size in sizes:
        if size > 0:
            histogram[size] += 1
            used += 1
            longest = max(longest, size)
    _limit_lengths(histogram)
    symbols = np.empty(used - 1, np.int64)  # without the reserved one
    filled = 0
    for size in range(1, longest + 1):
        for symbol in range(256):
            if sizes[symbol] == size:
                symbols[filled] = symbol
                filled += 1
    lengths = np.zeros(256, np.int64)
    codes = np.zeros(256, np.int64)
    code = 0
    filled = 0
    for length in range(1, MAX_LENGTH + 1):
        for _ in range(histogram[length]):
            lengths[symbols[filled]] = length
            codes[symbols[filled]] = code
            code += 1
            filled += 1
        code <<= 1
    return histogram[: MAX_LENGTH + 1].copy(), symbols, lengths, codes


def build_table(counts: NDArray[np.int64]) -> HuffmanTable:
    """Return the table for symbol `counts` (256,), of which at least one is nonzero."""
    return HuffmanTable(*_build_arrays(counts))


def count_bits(counts: NDArray[np.int64], lengths: NDArray[np.int64]) -> int:
    """Return the bits of all codes and of the bits appended to them; both arrays are (256,)."""
    return int(counts @ (lengths + APPENDED_BITS))
