"""Inverse 8×8 DCT in T.81's scaling (A.3.3), of whole planes: the mirror of `codec.jpeg.transform.dct`."""

import numpy as np
from numpy.typing import NDArray

from codec.jit import inlined, kernel
from codec.jpeg.syntax.tables import NATURAL_TO_ZIGZAG
from codec.jpeg.transform.dct import C1, C2, C3, C4, C5, C6, C7

Line = tuple[
    np.float32, np.float32, np.float32, np.float32, np.float32, np.float32, np.float32, np.float32
]


@inlined
def restore_line(  # noqa: PLR0917 -- kernels take no keyword-only arguments
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
def _restore_rows(
    coefs: NDArray[np.float32], order: NDArray[np.int64], strip: NDArray[np.float32]
) -> None:
    for v in range(8):
        row = v * 8
        for bx in range(coefs.shape[0]):
            x = bx * 8
            block = coefs[bx]
            (
                strip[v, x],
                strip[v, x + 1],
                strip[v, x + 2],
                strip[v, x + 3],
                strip[v, x + 4],
                strip[v, x + 5],
                strip[v, x + 6],
                strip[v, x + 7],
            ) = restore_line(
                block[order[row]],
                block[order[row + 1]],
                block[order[row + 2]],
                block[order[row + 3]],
                block[order[row + 4]],
                block[order[row + 5]],
                block[order[row + 6]],
                block[order[row + 7]],
            )


@kernel
def _restore_columns(strip: NDArray[np.float32], top: int, plane: NDArray[np.float32]) -> None:
    for x in range(plane.shape[1]):
        (
            plane[top, x],
            plane[top + 1, x],
            plane[top + 2, x],
            plane[top + 3, x],
            plane[top + 4, x],
            plane[top + 5, x],
            plane[top + 6, x],
            plane[top + 7, x],
        ) = restore_line(
            strip[0, x],
            strip[1, x],
            strip[2, x],
            strip[3, x],
            strip[4, x],
            strip[5, x],
            strip[6, x],
            strip[7, x],
        )


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
