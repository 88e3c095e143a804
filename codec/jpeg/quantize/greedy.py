"""Greedy quantization for sampled passes: each coefficient is decided once, in zigzag order."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.jit import inlined, kernel
from codec.jpeg.quantize.distortion import add_block_errors
from codec.jpeg.quantize.rdoq import find_least_bits, list_margins, tabulate_rates
from codec.jpeg.quantize.trellis import mark_candidates
from codec.jpeg.syntax.bit_mask import find_lowest_bit
from codec.jpeg.syntax.symbols import END_OF_BLOCK, SIZES, count_symbols

# Credit for shortening the next zero run; removes the greedy estimate's bias.
_CREDIT_BITS: Final = np.float32(1.2)


@inlined
def quantize_block_greedily(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    block: NDArray[np.float32],
    weight: np.float32,
    inverse_steps: NDArray[np.float32],
    distortion_scales: NDArray[np.float32],
    margins: NDArray[np.float32],
    bits: NDArray[np.float32],
    magnitudes: NDArray[np.float32],
    stored: NDArray[np.int16],
    counts: NDArray[np.int64],
) -> None:
    """Fill the AC part of `stored` (64,) and count symbols; the arguments are those of `decide_block`.

    Candidates are the rounded value and the largest value of the next smaller size. The better one
    is kept if it reduces the error by more than its bits cost; otherwise the coefficient is zero.
    """
    waiting = mark_candidates(block, weight, inverse_steps, margins, magnitudes)
    for k in range(1, 64):
        stored[k] = 0
    before = 0
    while waiting != np.uint64(0):
        k = find_lowest_bit(waiting) & 63
        waiting &= waiting - np.uint64(1)
        magnitude = magnitudes[k]
        square = magnitude * magnitude
        scale = distortion_scales[k] * weight
        run = (k - before - 1) & 63
        value = int(magnitude + np.float32(0.5))
        size = int(SIZES[value])
        error = magnitude - np.float32(value)
        gain = (square - error * error) * scale - bits[size, run]
        if size > 1:
            smaller = (1 << (size - 1)) - 1
            error = magnitude - np.float32(smaller)
            other = (square - error * error) * scale - bits[size - 1, run]
            if other > gain:
                gain, value, size = other, smaller, size - 1
        if gain + _CREDIT_BITS > 0:
            stored[k] = value if block[k] > 0 else -value
            count_symbols(run, size, 1, counts)
            before = k
    if before < 63:
        counts[END_OF_BLOCK] += 1


@kernel
def quantize_sample(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    coefs: NDArray[np.float32],
    block_weights: NDArray[np.float32],
    salient_shares: NDArray[np.float32],
    visibility: NDArray[np.float32],
    real_rows: int,
    real_columns: int,
    vertical: int,
    horizontal: int,
    stride: int,
    shift: int,
    steps: NDArray[np.float32],
    distortion_scales: NDArray[np.float32],
    rates: NDArray[np.float32],
    sensitivities: NDArray[np.float32],
    dc_counts: NDArray[np.int64],
    ac_counts: NDArray[np.int64],
    totals: NDArray[np.float64],
) -> int:
    """Quantize the real blocks of a lattice (`Lattice`), and return their number.

    Their symbols are added to `dc_counts` and `ac_counts` (256,), and their errors to `totals` (4,). The
    arguments are those of `quantize_ac` and `add_block_errors`. DC differences are those of an
    interleaved scan, with `vertical`×`horizontal` blocks per MCU.
    """
    bits = tabulate_rates(rates)
    margins = list_margins(float(find_least_bits(bits) - _CREDIT_BITS), distortion_scales)
    inverse_steps = np.float32(1.0) / steps
    magnitudes = np.empty(64, np.float32)
    stored = np.empty(64, np.int16)
    drawn = 0
    for by in range(real_rows):
        for bx in range(by * shift % stride, real_columns, stride):
            drawn += 1
            block = coefs[by, bx]
            value = int(np.rint(block[0] * inverse_steps[0]))
            before = _find_dc_before(coefs, by, bx, real_rows, real_columns, vertical, horizontal)
            difference = value - int(np.rint(before * inverse_steps[0]))
            dc_counts[SIZES[abs(difference)]] += 1
            stored[0] = value
            quantize_block_greedily(
                block,
                block_weights[by, bx],
                inverse_steps,
                distortion_scales,
                margins,
                bits,
                magnitudes,
                stored,
                ac_counts,
            )
            add_block_errors(
                block,
                stored,
                steps,
                sensitivities,
                visibility[by, bx],
                salient_shares[by, bx],
                totals,
            )
    return drawn


@inlined
def _find_dc_before(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    coefs: NDArray[np.float32],
    by: int,
    bx: int,
    real_rows: int,
    real_columns: int,
    vertical: int,
    horizontal: int,
) -> np.float32:
    """Return the DC of the block before this one in an interleaved scan, or of one near that."""
    top, left = by - by % vertical, bx - bx % horizontal
    part = (by - top) * horizontal + bx - left - 1
    if part < 0:  # the first block of an MCU follows the last one of the MCU to the left
        part += vertical * horizontal
        left -= horizontal
    row = min(top + part // horizontal, real_rows - 1)
    column = min(max(left + part % horizontal, 0), real_columns - 1)
    return coefs[row, column, 0]  # type: ignore[no-any-return]
