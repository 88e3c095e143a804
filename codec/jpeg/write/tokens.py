"""Tokens: symbols with their appended bits, which are counted and then written (T.81 G.1.2).

A token is an int32: symbol << 20 | length of the appended bits << 16 | the bits. Symbols of a scan's
second table start at 256; UNCODED is the symbol of bits without a code.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codec.jit import kernel
from codec.jpeg.syntax.huffman import HuffmanTable
from codec.jpeg.write.bit_writer import append_bits, complete_byte

SECOND_TABLE = 256
UNCODED = 512
SYMBOL_SHIFT, LENGTH_SHIFT = 20, 16
MOST_APPENDED = 15
"""Largest number of bits that one token appends."""


@kernel
def _count_tokens(tokens: NDArray[np.int32], counts: NDArray[np.int64]) -> int:
    """Add the symbols to `counts` (513,) and return the sum of the appended bits."""
    appended = 0
    for i in range(tokens.size):
        counts[tokens[i] >> SYMBOL_SHIFT] += 1
        appended += (tokens[i] >> LENGTH_SHIFT) & 15
    return appended


@kernel
def _write_tokens(
    tokens: NDArray[np.int32],
    codes: NDArray[np.int64],
    lengths: NDArray[np.int64],
    out: NDArray[np.uint8],
) -> int:
    """Write codes and appended bits to `out`; return the bytes written."""
    pending, waiting, written = 0, 0, 0
    for i in range(tokens.size):
        token = int(tokens[i])
        symbol = token >> SYMBOL_SHIFT
        appended = (token >> LENGTH_SHIFT) & 15
        word = (codes[symbol] << appended) | (token & 0xFFFF)
        pending, waiting, written = append_bits(
            word, lengths[symbol] + appended, pending, waiting, written, out
        )
    return complete_byte(pending, waiting, written, out)


def count_tokens(tokens: NDArray[np.int32], tables: int) -> tuple[list[NDArray[np.int64]], int]:
    """Return the symbol counts (256,) of each table, and the number of all appended bits."""
    counts = np.zeros(UNCODED + 1, np.int64)
    appended = _count_tokens(tokens, counts)
    return [counts[256 * i : 256 * (i + 1)] for i in range(tables)], appended


def write_tokens(
    tokens: NDArray[np.int32], tables: Sequence[HuffmanTable], bit_count: int
) -> bytes:
    """Return the entropy-coded segment; `bit_count` is its exact length before byte stuffing."""
    codes = np.zeros(UNCODED + 1, np.int64)
    lengths = np.zeros(UNCODED + 1, np.int64)
    for i, table in enumerate(tables):
        codes[256 * i : 256 * (i + 1)] = table.codes
        lengths[256 * i : 256 * (i + 1)] = table.lengths
    out = np.empty(2 * (bit_count // 8 + 2), np.uint8)
    size = _write_tokens(tokens, codes, lengths, out)
    return out[:size].tobytes()
