"""Chroma subsampling by a 2×2 box, with samples centred as in JFIF, and upsampling as decoders do it."""

import numpy as np
from numpy.typing import NDArray

from codec.jit import kernel

_LEAST, _LARGEST = -128.0, 127.0  # level-shifted samples


@kernel
def halve(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the means of 2×2 samples; the plane's sides are even."""
    rows = plane.shape[0] // 2
    columns = plane.shape[1] // 2
    halved = np.empty((rows, columns), np.float32)
    for y in range(rows):
        for x in range(columns):
            top = plane[2 * y, 2 * x] + plane[2 * y, 2 * x + 1]
            bottom = plane[2 * y + 1, 2 * x] + plane[2 * y + 1, 2 * x + 1]
            halved[y, x] = (top + bottom) * np.float32(0.25)
    return halved


def subsample_plane(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the half-size plane that, upsampled by a decoder, has about the 2×2 means of `plane`."""
    return sharpen(halve(plane), across=True, down=True)


def sharpen(means: NDArray[np.float32], *, across: bool, down: bool) -> NDArray[np.float32]:
    """Return the samples to store so that upsampled chroma has the given means along the chosen axes.

    Decoders upsample chroma by a triangle filter (libjpeg's "fancy upsampling"), which blurs the
    means. The difference between the means before and after upsampling is added once. The result is
    clipped to the range of samples: decoders clamp before they upsample, and samples beyond it may
    give coefficients that no 8-bit file may hold (T.81 F.1.2).
    """
    sharpened: NDArray[np.float32] = 2.0 * means - _predict_means(means, across, down)
    return np.clip(sharpened, _LEAST, _LARGEST, out=sharpened)


@kernel
def _predict_means(
    means: NDArray[np.float32], is_across: bool, is_down: bool
) -> NDArray[np.float32]:
    """Return the means of pairs after upsampling: 1/8 of each neighbour and 3/4 of the own value."""
    rows, columns = means.shape
    predicted = means.copy()
    if is_across:
        for y in range(rows):
            for x in range(columns):
                sides = means[y, max(x - 1, 0)] + means[y, min(x + 1, columns - 1)]
                predicted[y, x] = means[y, x] * np.float32(0.75) + sides * np.float32(0.125)
    if is_down:
        before = predicted.copy()
        for y in range(rows):
            for x in range(columns):
                sides = before[max(y - 1, 0), x] + before[min(y + 1, rows - 1), x]
                predicted[y, x] = before[y, x] * np.float32(0.75) + sides * np.float32(0.125)
    return predicted


@kernel
def upsample(halved: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the plane of twice the size that decoders make of `halved`.

    A sample is 3/4 of the nearer and 1/4 of the further one in each direction, as in libjpeg
    (jdsample.c, h2v2_fancy_upsample) and most other decoders.
    """
    rows, columns = halved.shape
    plane = np.empty((2 * rows, 2 * columns), np.float32)
    blended = np.empty(columns + 2, np.float32)  # a blend of two rows, with its ends repeated
    for y in range(2 * rows):
        nearer = y // 2
        further = min(max(nearer + 2 * (y % 2) - 1, 0), rows - 1)
        for x in range(columns):
            blended[x + 1] = np.float32(0.75) * halved[nearer, x]
            blended[x + 1] += np.float32(0.25) * halved[further, x]
        blended[0] = blended[1]
        blended[columns + 1] = blended[columns]
        for x in range(columns):
            nearest = np.float32(0.75) * blended[x + 1]
            plane[y, 2 * x] = nearest + np.float32(0.25) * blended[x]
            plane[y, 2 * x + 1] = nearest + np.float32(0.25) * blended[x + 2]
    return plane
