"""The tokens of a progressive AC scan, first (T.81 G.1.2.2) or refining (G.1.2.3).

Consecutive blocks without further symbols in the band form an EOB run, and a symbol EOBn stands for
2^n … 2^(n+1) − 1 of them. In a refining scan, the correction bits of these blocks follow the symbol. When
the run ends, they are taken from the list of nonzero coefficients, so that no buffer limits their number.
"""

import numpy as np
from numpy.typing import NDArray

from codec.jit import kernel
from codec.jpeg.syntax.symbols import SIZES, ZERO_RUN
from codec.jpeg.write.nonzeros import Nonzeros
from codec.jpeg.write.tokens import LENGTH_SHIFT, MOST_APPENDED, SYMBOL_SHIFT, UNCODED

LONGEST_RUN = 0x7FFF
"""Number of blocks in the longest EOB run (EOB14, T.81 table G.1)."""


@kernel
def _make_token(symbol: int, length: int, appended: int) -> int:
    """Return the token of a symbol and its `length` appended bits (`codec.jpeg.write.tokens`)."""
    return (symbol << SYMBOL_SHIFT) | (length << LENGTH_SHIFT) | appended


@kernel
def _make_end_of_band(blocks: int) -> int:
    """Return the token EOBn of an EOB run of `blocks` blocks."""
    length = int(SIZES[blocks]) - 1
    return _make_token(length << 4, length, blocks - (1 << length))


@kernel
def _list_first(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    starts: NDArray[np.int32],
    positions: NDArray[np.uint8],
    values: NDArray[np.int16],
    band_start: int,
    band_end: int,
    low_bit: int,
    tokens: NDArray[np.int32],
) -> int:
    """Fill `tokens` with a first scan of the band; return their number."""
    filled = 0
    ended = 0
    for block in range(starts.size - 1):
        before = band_start - 1
        for i in range(starts[block], starts[block + 1]):
            k = int(positions[i])
            value = int(values[i])
            magnitude = abs(value) >> low_bit
            if k < band_start or magnitude == 0:
                continue
            if k > band_end:
                break
            if ended > 0:
                tokens[filled] = _make_end_of_band(ended)
                filled += 1
                ended = 0
            run = k - before - 1
            while run > 15:
                tokens[filled] = _make_token(ZERO_RUN, 0, 0)
                filled += 1
                run -= 16
            size = int(SIZES[magnitude])
            appended = magnitude if value > 0 else (1 << size) - 1 - magnitude
            tokens[filled] = _make_token(run * 16 + size, size, appended)
            filled += 1
            before = k
        if before < band_end:
            ended += 1
            if ended == LONGEST_RUN:
                tokens[filled] = _make_end_of_band(ended)
                filled += 1
                ended = 0
    if ended > 0:
        tokens[filled] = _make_end_of_band(ended)
        filled += 1
    return filled


@kernel
def _list_corrections(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    values: NDArray[np.int16],
    start: int,
    end: int,
    low_bit: int,
    tokens: NDArray[np.int32],
    filled: int,
) -> int:
    """Append the correction bits of the items [start:end), those that earlier scans made nonzero.

    Return the number of tokens; `filled` is that before.
    """
    bits = 0
    length = 0
    for i in range(start, end):
        magnitude = abs(int(values[i])) >> low_bit
        if magnitude > 1:
            bits = (bits << 1) | (magnitude & 1)
            length += 1
            if length == MOST_APPENDED:
                tokens[filled] = _make_token(UNCODED, length, bits)
                filled += 1
                bits = 0
                length = 0
    if length > 0:
        tokens[filled] = _make_token(UNCODED, length, bits)
        filled += 1
    return filled


@kernel
def _list_refinement(  # noqa: C901 -- calls with arrays cost more than the work
    starts: NDArray[np.int32],
    positions: NDArray[np.uint8],
    values: NDArray[np.int16],
    low_bit: int,
    tokens: NDArray[np.int32],
) -> int:
    """Fill `tokens` with a refining scan of the positions 1 to 63; return their number."""
    filled = 0
    ended = 0
    # The first item whose correction bit is not yet written.
    uncorrected = 0
    for block in range(starts.size - 1):
        first, end = starts[block], starts[block + 1]
        last_new = end - 1
        while last_new >= first and abs(int(values[last_new])) >> low_bit != 1:
            last_new -= 1
        before = 0
        run = 0
        for i in range(first, last_new + 1):
            magnitude = abs(int(values[i])) >> low_bit
            if magnitude == 0:
                continue
            run += int(positions[i]) - before - 1
            before = int(positions[i])
            if ended > 0 and (run > 15 or magnitude == 1):
                tokens[filled] = _make_end_of_band(ended)
                filled = _list_corrections(values, uncorrected, first, low_bit, tokens, filled + 1)
                uncorrected = first
                ended = 0
            while run > 15:
                tokens[filled] = _make_token(ZERO_RUN, 0, 0)
                filled = _list_corrections(values, uncorrected, i, low_bit, tokens, filled + 1)
                uncorrected = i
                run -= 16
            if magnitude == 1:
                sign = 1 if values[i] > 0 else 0
                tokens[filled] = _make_token(run * 16 + 1, 1, sign)
                filled = _list_corrections(values, uncorrected, i, low_bit, tokens, filled + 1)
                uncorrected = i + 1
                run = 0
        if before < 63:
            ended += 1
            if ended == LONGEST_RUN:
                tokens[filled] = _make_end_of_band(ended)
                filled = _list_corrections(values, uncorrected, end, low_bit, tokens, filled + 1)
                uncorrected = end
                ended = 0
    if ended > 0:
        tokens[filled] = _make_end_of_band(ended)
        filled = _list_corrections(values, uncorrected, starts[-1], low_bit, tokens, filled + 1)
    return filled


def _allocate_tokens(nonzeros: Nonzeros) -> NDArray[np.int32]:
    """Return uninitialized memory for all tokens of a scan."""
    # At most one token per item, three zero runs and one end per block, and the last end.
    return np.empty(nonzeros.values.size + 4 * nonzeros.starts.size, np.int32)


def list_first(nonzeros: Nonzeros, band: tuple[int, int], low_bit: int) -> NDArray[np.int32]:
    """Return the tokens of a first scan of the zigzag positions `band`, both ends included."""
    tokens = _allocate_tokens(nonzeros)
    filled = _list_first(
        nonzeros.starts, nonzeros.positions, nonzeros.values, *band, low_bit, tokens
    )
    return tokens[:filled]


def list_refinement(nonzeros: Nonzeros, low_bit: int) -> NDArray[np.int32]:
    """Return the tokens of a refining scan, which adds the bit `low_bit` of the positions 1..63."""
    tokens = _allocate_tokens(nonzeros)
    filled = _list_refinement(nonzeros.starts, nonzeros.positions, nonzeros.values, low_bit, tokens)
    return tokens[:filled]
