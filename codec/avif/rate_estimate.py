"""libaom's estimate of the bits of each block, repeated: a file of rates is relative to it.

libaom predicts each 8×8 block of luma from the picture itself, transforms the difference and counts
about two bits for each coefficient up to the last, and the logarithm of its level
(`av1_calc_mb_wiener_var_row` and `rate_estimator` in libaom's allintra_vis.c). Here three of its thirteen
predictions are tried, those that change few coefficients.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.jit import inlined, kernel
from codec.jpeg.syntax.tables import ZIGZAG_TO_NATURAL

GRID_PX: Final = 16
"""Side of a block in a file of rates."""

_SAMPLES: Final = np.arange(8)
BASIS: Final = (
    np.sqrt(np.where(_SAMPLES == 0, 1 / 8, 2 / 8))[:, None]
    * np.cos(np.outer(_SAMPLES, 2 * _SAMPLES + 1) * np.pi / 16)
).astype(np.float32)
"""(8, 8): orthonormal DCT, frequency by sample."""
_ROOT: Final = np.float32(np.sqrt(8.0))
_ZIGZAG: Final = np.ascontiguousarray(ZIGZAG_TO_NATURAL).astype(np.int64)


@inlined
def _read_luma(image: NDArray[np.uint8], y: int, x: int) -> np.float32:
    """Return the luma of a pixel; beyond an edge, of the nearest one."""
    y = min(max(y, 0), image.shape[0] - 1)
    x = min(max(x, 0), image.shape[1] - 1)
    if image.shape[2] == 1:
        return np.float32(image[y, x, 0])
    return (
        np.float32(0.299) * np.float32(image[y, x, 0])
        + np.float32(0.587) * np.float32(image[y, x, 1])
        + np.float32(0.114) * np.float32(image[y, x, 2])
    )


@inlined
def _read_block(
    image: NDArray[np.uint8], top: int, left: int, samples: NDArray[np.float32]
) -> None:
    """Read a block's luma with the row above and the column to the left: (9, 9)."""
    for y in range(9):
        for x in range(9):
            samples[y, x] = _read_luma(image, top + y - 1, left + x - 1)
    # Beyond the picture's edges, as AV1 has it (7.11.2).
    for i in range(1, 9):
        if top == 0:
            samples[0, i] = np.float32(127.0) if left == 0 else samples[1, 0]
        if left == 0:
            samples[i, 0] = np.float32(129.0) if top == 0 else samples[0, 1]


@inlined
def _transform(
    samples: NDArray[np.float32],
    basis: NDArray[np.float32],
    half: NDArray[np.float32],
    coefs: NDArray[np.float32],
) -> None:
    """Write the DCT of the block in `samples` to `coefs` (8, 8)."""
    for y in range(8):
        for k in range(8):
            total = np.float32(0.0)
            for x in range(8):
                total += basis[k, x] * samples[y + 1, x + 1]
            half[y, k] = total
    for k in range(8):
        for m in range(8):
            total = np.float32(0.0)
            for y in range(8):
                total += basis[k, y] * half[y, m]
            coefs[k, m] = total


@inlined
def _predict(
    samples: NDArray[np.float32], basis: NDArray[np.float32], coefs: NDArray[np.float32]
) -> None:
    """Subtract the best prediction from `coefs`: the mean, the row above or the column to the left."""
    above = np.zeros(8, np.float32)
    left = np.zeros(8, np.float32)
    mean = np.float32(0.0)
    for k in range(8):
        for i in range(8):
            above[k] += basis[k, i] * samples[0, i + 1]
            left[k] += basis[k, i] * samples[i + 1, 0]
        mean += samples[0, k + 1] + samples[k + 1, 0]
    above *= _ROOT
    left *= _ROOT
    mean *= np.float32(8.0 / 16.0)
    # Magnitudes by which the predictions differ.
    flat = abs(coefs[0, 0] - mean)
    vertical = abs(coefs[0, 0] - above[0])
    horizontal = abs(coefs[0, 0] - left[0])
    for k in range(1, 8):
        row, column = abs(coefs[0, k]), abs(coefs[k, 0])
        flat += row + column
        vertical += abs(coefs[0, k] - above[k]) + column
        horizontal += abs(coefs[k, 0] - left[k]) + row
    if flat <= vertical and flat <= horizontal:
        coefs[0, 0] -= mean
    elif vertical <= horizontal:
        coefs[0] -= above
    else:
        coefs[:, 0] -= left


@inlined
def _count_bits(
    coefs: NDArray[np.float32], inverse_step: np.float32, zigzag: NDArray[np.int64]
) -> float:
    """Return the estimated bits of a block."""
    bits = 1.0
    zeros = 0.0
    for i in range(64):
        k = zigzag[i]
        level = int(abs(coefs[k // 8, k % 8]) * inverse_step + np.float32(0.5))
        zeros += 1.0
        if level:
            bits += zeros + 1.0
            zeros = 0.0
            while level + 1 >= 2:
                level = (level + 1) // 2 - 1
                bits += 1.0
    return bits


@kernel
def _estimate_rates(
    image: NDArray[np.uint8],
    inverse_step: np.float32,
    basis: NDArray[np.float32],
    zigzag: NDArray[np.int64],
    rates: NDArray[np.float64],
) -> None:
    """Add the estimates of all 8×8 blocks to `rates`, (rows, columns) of 16×16 blocks."""
    samples = np.empty((9, 9), np.float32)
    half = np.empty((8, 8), np.float32)
    coefs = np.empty((8, 8), np.float32)
    for by in range((image.shape[0] + 7) // 8):
        for bx in range((image.shape[1] + 7) // 8):
            _read_block(image, 8 * by, 8 * bx, samples)
            _transform(samples, basis, half, coefs)
            _predict(samples, basis, coefs)
            rates[by // 2, bx // 2] += _count_bits(coefs, inverse_step, zigzag)


def estimate_rates(image: NDArray[np.uint8], step: float) -> NDArray[np.float64]:
    """Return the estimated bits (rows, columns) of each 16×16 block of luma.

    Args:
        image: (h, w, 3) sRGB or (h, w) grey.
        step: the quantization step in 8-bit samples.
    """
    rows, columns = (-(-side // GRID_PX) for side in image.shape[:2])
    rates = np.zeros((rows, columns))
    planes = image[..., None] if image.ndim == 2 else image
    _estimate_rates(np.ascontiguousarray(planes), np.float32(1.0 / step), BASIS, _ZIGZAG, rates)
    return rates
