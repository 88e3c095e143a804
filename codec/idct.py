"""Inverse 8×8 DCT in T.81's scaling (A.3.3), of whole planes: the mirror of `codec.dct`."""

import numpy as np
from numpy.typing import NDArray

from codec.dct import C1, C2, C3, C4, C5, C6, C7
from codec.kernel import kernel
from codec.tables import NATURAL_TO_ZIGZAG


@kernel
def _restore_rows(
    coefs: NDArray[np.float32], order: NDArray[np.int64], strip: NDArray[np.float32]
) -> None:
    for v in range(8):
        row = v * 8
        for bx in range(coefs.shape[0]):
            x = bx * 8
            block = coefs[bx]
            c1, c3 = block[order[row + 1]], block[order[row + 3]]
            c5, c7 = block[order[row + 5]], block[order[row + 7]]
            e0 = C4 * (block[order[row]] + block[order[row + 4]])
            e1 = C4 * (block[order[row]] - block[order[row + 4]])
            f0 = C2 * block[order[row + 2]] + C6 * block[order[row + 6]]
            f1 = C6 * block[order[row + 2]] - C2 * block[order[row + 6]]
            d0 = C1 * c1 + C3 * c3 + C5 * c5 + C7 * c7
            d1 = C3 * c1 - C7 * c3 - C1 * c5 - C5 * c7
            d2 = C5 * c1 - C1 * c3 + C7 * c5 + C3 * c7
            d3 = C7 * c1 - C5 * c3 + C3 * c5 - C1 * c7
            strip[v, x] = e0 + f0 + d0
            strip[v, x + 7] = e0 + f0 - d0
            strip[v, x + 1] = e1 + f1 + d1
            strip[v, x + 6] = e1 + f1 - d1
            strip[v, x + 2] = e1 - f1 + d2
            strip[v, x + 5] = e1 - f1 - d2
            strip[v, x + 3] = e0 - f0 + d3
            strip[v, x + 4] = e0 - f0 - d3


@kernel
def _restore_columns(strip: NDArray[np.float32], top: int, plane: NDArray[np.float32]) -> None:
    for x in range(plane.shape[1]):
        e0 = C4 * (strip[0, x] + strip[4, x])
        e1 = C4 * (strip[0, x] - strip[4, x])
        f0 = C2 * strip[2, x] + C6 * strip[6, x]
        f1 = C6 * strip[2, x] - C2 * strip[6, x]
        d0 = C1 * strip[1, x] + C3 * strip[3, x] + C5 * strip[5, x] + C7 * strip[7, x]
        d1 = C3 * strip[1, x] - C7 * strip[3, x] - C1 * strip[5, x] - C5 * strip[7, x]
        d2 = C5 * strip[1, x] - C1 * strip[3, x] + C7 * strip[5, x] + C3 * strip[7, x]
        d3 = C7 * strip[1, x] - C5 * strip[3, x] + C3 * strip[5, x] - C1 * strip[7, x]
        plane[top, x] = e0 + f0 + d0
        plane[top + 7, x] = e0 + f0 - d0
        plane[top + 1, x] = e1 + f1 + d1
        plane[top + 6, x] = e1 + f1 - d1
        plane[top + 2, x] = e1 - f1 + d2
        plane[top + 5, x] = e1 - f1 - d2
        plane[top + 3, x] = e0 - f0 + d3
        plane[top + 4, x] = e0 - f0 - d3


@kernel
def _restore_plane(
    coefs: NDArray[np.float32], order: NDArray[np.int64], plane: NDArray[np.float32]
) -> None:
    strip = np.empty((8, plane.shape[1]), np.float32)
    for by in range(coefs.shape[0]):
        _restore_rows(coefs[by], order, strip)
        _restore_columns(strip, by * 8, plane)


def restore(coefs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the plane, centred on zero and unrounded, of coefs (blocks_y, blocks_x, 64) zigzag."""
    rows, columns, _ = coefs.shape
    plane = np.empty((rows * 8, columns * 8), np.float32)
    _restore_plane(coefs, NATURAL_TO_ZIGZAG, plane)
    return plane
