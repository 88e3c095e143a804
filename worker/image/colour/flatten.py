"""Puts samples on white by their alpha, and rounds them to 8 bits."""

from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from worker.image.colour.cms import Integers

FULL_8, FULL_16 = 255, 65_535
# Full intensity of 16 bits over that of 8.
RATIO: Final = 257


def to_integers(values: Integers | NDArray[np.float32]) -> Integers:
    """Return samples, floats in 16 bits: those outside of 0 to 1 are clipped, what is no number is 0."""
    if values.dtype != np.float32:
        return cast("Integers", values)
    scaled = np.nan_to_num(values).clip(0, 1) * np.float32(FULL_16)
    return np.asarray(np.rint(scaled), np.uint16)


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
    divided = np.empty(values.shape, np.uint16)
    for channel in range(values.shape[2]):
        scaled = deep[..., channel] * factors
        divided[..., channel] = np.minimum(np.rint(scaled, out=scaled), FULL_16)
    return divided


def flatten(values: Integers, alpha: Integers) -> NDArray[np.uint8]:
    """Return samples, (height, width, channels), on white, in 8 bits; alpha is (height, width)."""
    coverage = alpha.astype(np.float32) * np.float32(1 / np.iinfo(alpha.dtype).max)
    scale = np.float32(FULL_8 / np.iinfo(values.dtype).max)
    pixels = np.empty(values.shape, np.uint8)
    # NumPy is slow where the last axis is short.
    for channel in range(values.shape[2]):
        mixed = values[..., channel] * scale
        mixed -= FULL_8
        mixed *= coverage
        mixed += FULL_8
        pixels[..., channel] = np.rint(mixed, out=mixed)
    return pixels
