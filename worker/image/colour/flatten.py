"""Puts samples on white by their alpha, and ends them in 8 bits."""

import numpy as np
from numpy.typing import NDArray

from worker.image.colour.cms import Integers

FULL_8, FULL_16 = 255, 65_535
# Full intensity of 16 bits over that of 8.
RATIO = 257


def to_integers(values: Integers | NDArray[np.float32]) -> Integers:
    """Return samples, floats in 16 bits: those outside of 0 to 1 are clipped, what is no number is 0."""
    if values.dtype in {np.dtype(np.uint8), np.dtype(np.uint16)}:
        return values
    scaled = np.nan_to_num(values, posinf=1.0, neginf=0.0)
    np.clip(scaled, 0.0, 1.0, out=scaled)
    scaled *= FULL_16
    return np.rint(scaled, out=scaled).astype(np.uint16)


def to_16_bits(values: Integers) -> NDArray[np.uint16]:
    """Return samples in 16 bits."""
    if values.dtype == np.uint8:
        return values.astype(np.uint16) * np.uint16(RATIO)
    return np.asarray(values, np.uint16)


def to_8_bits(values: Integers) -> NDArray[np.uint8]:
    """Return samples in 8 bits, rounded."""
    if values.dtype == np.uint8:
        return np.asarray(values, np.uint8)
    return ((values.astype(np.uint32) + RATIO // 2) // RATIO).astype(np.uint8)


def unmultiply(values: Integers, alpha: Integers) -> NDArray[np.uint16]:
    """Return samples, (height, width, channels), that were multiplied by ``alpha``, (height, width)."""
    deep, coverage = to_16_bits(values), to_16_bits(alpha)
    factors = FULL_16 / np.maximum(coverage, 1).astype(np.float32)
    scaled = deep * factors[..., None]
    return np.minimum(np.rint(scaled, out=scaled), FULL_16).astype(np.uint16)


def flatten(values: Integers, alpha: Integers) -> NDArray[np.uint8]:
    """Return samples, (height, width, channels), on white, in 8 bits; alpha is (height, width)."""
    coverage = alpha.astype(np.float32) * np.float32(1 / np.iinfo(alpha.dtype).max)
    # What is missing to white is covered.
    missing = FULL_8 - values * np.float32(FULL_8 / np.iinfo(values.dtype).max)
    missing *= coverage[..., None]
    np.subtract(FULL_8, missing, out=missing)
    return np.rint(missing, out=missing).astype(np.uint8)
