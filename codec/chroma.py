"""Chroma subsampling: the 2×2 box of 4:2:0, samples centred as JFIF places them."""

import numpy as np
from numpy.typing import NDArray

from codec.kernel import kernel


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
