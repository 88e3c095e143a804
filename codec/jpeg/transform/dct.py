"""Forward 8×8 DCT in T.81's scaling (A.3.3), which is the orthonormal one.

Even and odd parts are split as in Loeffler, Ligtenberg and Moschytz, "Practical fast 1-D DCT
algorithms with 11 multiplications" (ICASSP 1989), with plain products for the odd half: the columns
of a whole row of blocks go through at once, which the compiler turns into vector instructions.
"""

import math

import numpy as np
from numpy.typing import NDArray

from codec.jit import kernel
from codec.jpeg.syntax.tables import NATURAL_TO_ZIGZAG

_C = [np.float32(0.5 * math.cos(k * math.pi / 16)) for k in range(8)]
C1, C2, C3, C4, C5, C6, C7 = _C[1:]


@kernel
def _transform_columns(plane: NDArray[np.float32], top: int, out: NDArray[np.float32]) -> None:
    for x in range(plane.shape[1]):
        s07 = plane[top, x] + plane[top + 7, x]
        d07 = plane[top, x] - plane[top + 7, x]
        s16 = plane[top + 1, x] + plane[top + 6, x]
        d16 = plane[top + 1, x] - plane[top + 6, x]
        s25 = plane[top + 2, x] + plane[top + 5, x]
        d25 = plane[top + 2, x] - plane[top + 5, x]
        s34 = plane[top + 3, x] + plane[top + 4, x]
        d34 = plane[top + 3, x] - plane[top + 4, x]
        out[0, x] = C4 * ((s07 + s34) + (s16 + s25))
        out[4, x] = C4 * ((s07 + s34) - (s16 + s25))
        out[2, x] = C2 * (s07 - s34) + C6 * (s16 - s25)
        out[6, x] = C6 * (s07 - s34) - C2 * (s16 - s25)
        out[1, x] = C1 * d07 + C3 * d16 + C5 * d25 + C7 * d34
        out[3, x] = C3 * d07 - C7 * d16 - C1 * d25 - C5 * d34
        out[5, x] = C5 * d07 - C1 * d16 + C7 * d25 + C3 * d34
        out[7, x] = C7 * d07 - C5 * d16 + C3 * d25 - C1 * d34


@kernel
def _transform_rows(
    strip: NDArray[np.float32], order: NDArray[np.int64], coefs: NDArray[np.float32]
) -> None:
    for v in range(8):
        for bx in range(coefs.shape[0]):
            x = bx * 8
            s07 = strip[v, x] + strip[v, x + 7]
            d07 = strip[v, x] - strip[v, x + 7]
            s16 = strip[v, x + 1] + strip[v, x + 6]
            d16 = strip[v, x + 1] - strip[v, x + 6]
            s25 = strip[v, x + 2] + strip[v, x + 5]
            d25 = strip[v, x + 2] - strip[v, x + 5]
            s34 = strip[v, x + 3] + strip[v, x + 4]
            d34 = strip[v, x + 3] - strip[v, x + 4]
            row = v * 8
            coefs[bx, order[row]] = C4 * ((s07 + s34) + (s16 + s25))
            coefs[bx, order[row + 4]] = C4 * ((s07 + s34) - (s16 + s25))
            coefs[bx, order[row + 2]] = C2 * (s07 - s34) + C6 * (s16 - s25)
            coefs[bx, order[row + 6]] = C6 * (s07 - s34) - C2 * (s16 - s25)
            coefs[bx, order[row + 1]] = C1 * d07 + C3 * d16 + C5 * d25 + C7 * d34
            coefs[bx, order[row + 3]] = C3 * d07 - C7 * d16 - C1 * d25 - C5 * d34
            coefs[bx, order[row + 5]] = C5 * d07 - C1 * d16 + C7 * d25 + C3 * d34
            coefs[bx, order[row + 7]] = C7 * d07 - C5 * d16 + C3 * d25 - C1 * d34


@kernel
def _transform_plane(
    plane: NDArray[np.float32], order: NDArray[np.int64], coefs: NDArray[np.float32]
) -> None:
    strip = np.empty((8, plane.shape[1]), np.float32)
    for by in range(coefs.shape[0]):
        _transform_columns(plane, by * 8, strip)
        _transform_rows(strip, order, coefs[by])


def transform(
    plane: NDArray[np.float32], coefs: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Return coefs (blocks_y, blocks_x, 64) in zigzag order; the plane's sides are multiples of 8.

    They are written to `coefs`, where that is given.
    """
    height, width = plane.shape
    if coefs is None:
        coefs = np.empty((height // 8, width // 8, 64), np.float32)
    _transform_plane(plane, NATURAL_TO_ZIGZAG, coefs)
    return coefs
