"""Forward 8×8 DCT in T.81's scaling (A.3.3), which is the orthonormal one.

Even and odd parts are split as in Loeffler, Ligtenberg and Moschytz, "Practical fast 1-D DCT
algorithms with 11 multiplications" (ICASSP 1989), with plain products for the odd half: the columns
of a whole row of blocks go through at once, which the compiler turns into vector instructions.
"""

import math

import numpy as np
from numpy.typing import NDArray

from codec.jit import inlined, kernel
from codec.jpeg.syntax.tables import NATURAL_TO_ZIGZAG

_C = [np.float32(0.5 * math.cos(k * math.pi / 16)) for k in range(8)]
C1, C2, C3, C4, C5, C6, C7 = _C[1:]


Line = tuple[
    np.float32, np.float32, np.float32, np.float32, np.float32, np.float32, np.float32, np.float32
]


@inlined
def transform_line(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    s0: np.float32,
    s1: np.float32,
    s2: np.float32,
    s3: np.float32,
    s4: np.float32,
    s5: np.float32,
    s6: np.float32,
    s7: np.float32,
) -> Line:
    """Return the eight coefficients of a row or column of samples."""
    s07, d07 = s0 + s7, s0 - s7
    s16, d16 = s1 + s6, s1 - s6
    s25, d25 = s2 + s5, s2 - s5
    s34, d34 = s3 + s4, s3 - s4
    return (
        C4 * ((s07 + s34) + (s16 + s25)),
        C1 * d07 + C3 * d16 + C5 * d25 + C7 * d34,
        C2 * (s07 - s34) + C6 * (s16 - s25),
        C3 * d07 - C7 * d16 - C1 * d25 - C5 * d34,
        C4 * ((s07 + s34) - (s16 + s25)),
        C5 * d07 - C1 * d16 + C7 * d25 + C3 * d34,
        C6 * (s07 - s34) - C2 * (s16 - s25),
        C7 * d07 - C5 * d16 + C3 * d25 - C1 * d34,
    )


@inlined
def inverse_transform_line(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    c0: np.float32,
    c1: np.float32,
    c2: np.float32,
    c3: np.float32,
    c4: np.float32,
    c5: np.float32,
    c6: np.float32,
    c7: np.float32,
) -> Line:
    """Return the eight samples of a row or column of coefficients."""
    e0 = C4 * (c0 + c4)
    e1 = C4 * (c0 - c4)
    f0 = C2 * c2 + C6 * c6
    f1 = C6 * c2 - C2 * c6
    d0 = C1 * c1 + C3 * c3 + C5 * c5 + C7 * c7
    d1 = C3 * c1 - C7 * c3 - C1 * c5 - C5 * c7
    d2 = C5 * c1 - C1 * c3 + C7 * c5 + C3 * c7
    d3 = C7 * c1 - C5 * c3 + C3 * c5 - C1 * c7
    return (
        *(e0 + f0 + d0, e1 + f1 + d1, e1 - f1 + d2, e0 - f0 + d3),
        *(e0 - f0 - d3, e1 - f1 - d2, e1 + f1 - d1, e0 + f0 - d0),
    )


@kernel
def _transform_columns(plane: NDArray[np.float32], top: int, out: NDArray[np.float32]) -> None:
    for x in range(plane.shape[1]):
        (
            out[0, x],
            out[1, x],
            out[2, x],
            out[3, x],
            out[4, x],
            out[5, x],
            out[6, x],
            out[7, x],
        ) = transform_line(
            plane[top, x],
            plane[top + 1, x],
            plane[top + 2, x],
            plane[top + 3, x],
            plane[top + 4, x],
            plane[top + 5, x],
            plane[top + 6, x],
            plane[top + 7, x],
        )


@kernel
def _transform_rows(
    strip: NDArray[np.float32], order: NDArray[np.int64], coefs: NDArray[np.float32]
) -> None:
    for v in range(8):
        row = v * 8
        for bx in range(coefs.shape[0]):
            x = bx * 8
            block = coefs[bx]
            (
                block[order[row]],
                block[order[row + 1]],
                block[order[row + 2]],
                block[order[row + 3]],
                block[order[row + 4]],
                block[order[row + 5]],
                block[order[row + 6]],
                block[order[row + 7]],
            ) = transform_line(
                strip[v, x],
                strip[v, x + 1],
                strip[v, x + 2],
                strip[v, x + 3],
                strip[v, x + 4],
                strip[v, x + 5],
                strip[v, x + 6],
                strip[v, x + 7],
            )


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
