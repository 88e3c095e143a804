"""Chroma subsampling: the 2×2 box of 4:2:0, samples centred as JFIF places them."""

import numpy as np
from numpy.typing import NDArray

from codec.kernel import kernel

_CORRECTIONS = 1


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


@kernel
def subsample_plane(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the half-size plane whose enlargement has the means of 2×2 samples of `plane`.

    Decoders enlarge chroma by a triangle filter (libjpeg's "fancy upsampling"), which blurs the
    means themselves: what lies between them and the means of what is shown is added once more.
    """
    wanted = halve(plane)
    halved = wanted
    for _ in range(_CORRECTIONS):
        halved = halved + wanted - _show_means(halved)
    return halved


@kernel
def _show_means(halved: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the means of 2×2 samples after enlarging: an eighth of each neighbour, on both axes."""
    rows, columns = halved.shape
    across = np.empty_like(halved)
    for y in range(rows):
        for x in range(columns):
            sides = halved[y, max(x - 1, 0)] + halved[y, min(x + 1, columns - 1)]
            across[y, x] = halved[y, x] * np.float32(0.75) + sides * np.float32(0.125)
    shown = np.empty_like(halved)
    for y in range(rows):
        for x in range(columns):
            sides = across[max(y - 1, 0), x] + across[min(y + 1, rows - 1), x]
            shown[y, x] = across[y, x] * np.float32(0.75) + sides * np.float32(0.125)
    return shown
