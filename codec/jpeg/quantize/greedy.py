"""Greedy quantization for sampled passes: each coefficient is decided once, in zigzag order."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.jit import inlined, kernel
from codec.jpeg.quantize.rdoq import tabulate_rates
from codec.jpeg.quantize.trellis import list_candidates, scale_magnitudes
from codec.jpeg.syntax.symbols import END_OF_BLOCK, SIZES, count_symbols

# Credit for shortening the next zero run; removes the greedy estimate's bias.
_CREDIT_BITS: Final = np.float32(1.2)


@inlined
def quantize_block_greedily(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    block: NDArray[np.float32],
    weight: np.float32,
    inverse_steps: NDArray[np.float32],
    distortion_scales: NDArray[np.float32],
    bits: NDArray[np.float32],
    magnitudes: NDArray[np.float32],
    candidates: NDArray[np.uint8],
    stored: NDArray[np.int16],
    counts: NDArray[np.int64],
) -> None:
    """Fill the AC part of `stored` (64,) and count symbols; the arguments are those of `decide_block`.

    Candidates are the rounded value and the largest value of the next smaller size. The better one
    is kept if it reduces the error by more than its bits cost; otherwise the coefficient is zero.
    """
    scale_magnitudes(block, inverse_steps, magnitudes)
    for k in range(1, 64):
        stored[k] = 0
    before = 0
    for i in range(list_candidates(magnitudes, candidates)):
        k = int(candidates[i])
        magnitude = magnitudes[k]
        square = magnitude * magnitude
        scale = distortion_scales[k] * weight
        run = k - before - 1
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
def quantize_ac_greedily(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    coefs: NDArray[np.float32],
    block_weights: NDArray[np.float32],
    inverse_steps: NDArray[np.float32],
    distortion_scales: NDArray[np.float32],
    rates: NDArray[np.float32],
    qcoefs: NDArray[np.int16],
    counts: NDArray[np.int64],
) -> None:
    """Fill the AC part of `qcoefs` and count symbols; the arguments are those of `quantize_ac`."""
    bits = tabulate_rates(rates)
    magnitudes = np.empty(64, np.float32)
    candidates = np.empty(64, np.uint8)
    for by in range(coefs.shape[0]):
        for bx in range(coefs.shape[1]):
            quantize_block_greedily(
                coefs[by, bx],
                block_weights[by, bx],
                inverse_steps,
                distortion_scales,
                bits,
                magnitudes,
                candidates,
                qcoefs[by, bx],
                counts,
            )


@kernel
def quantize_dc_greedily(
    coefs: NDArray[np.float32],
    before: NDArray[np.float32],
    step: float,
    qcoefs: NDArray[np.int16],
    counts: NDArray[np.int64],
) -> None:
    """Round the DC part of `qcoefs` (1, n, 64) and count the sizes of the differences.

    `before` (n,) holds the DC coefficient of the block before each in the scan.
    """
    for i in range(coefs.shape[1]):
        value = int(np.rint(coefs[0, i, 0] / step))
        qcoefs[0, i, 0] = value
        difference = value - int(np.rint(before[i] / step))
        counts[SIZES[abs(difference)]] += 1
