"""Inverse 8×8 DCT of whole planes in T.81's scaling (A.3.3): the inverse of `codec.jpeg.transform.dct`."""

import numpy as np
from numpy.typing import NDArray

from codec.jit import kernel
from codec.jpeg.syntax.tables import NATURAL_TO_ZIGZAG
from codec.jpeg.transform.dct import inverse_transform_line


@kernel
def _inverse_transform_rows(
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
            ) = inverse_transform_line(
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
def _inverse_transform_columns(
    strip: NDArray[np.float32], top: int, plane: NDArray[np.float32]
) -> None:
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
        ) = inverse_transform_line(
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
def _inverse_transform_plane(
    coefs: NDArray[np.float32], order: NDArray[np.int64], plane: NDArray[np.float32]
) -> None:
    strip = np.empty((8, plane.shape[1]), np.float32)
    for by in range(coefs.shape[0]):
        _inverse_transform_rows(coefs[by], order, strip)
        _inverse_transform_columns(strip, by * 8, plane)


def inverse_transform(coefs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the plane (h, w), centred on zero and not rounded, of coefs (blocks_y, blocks_x, 64) zigzag."""
    rows, columns, _ = coefs.shape
    plane = np.empty((rows * 8, columns * 8), np.float32)
    _inverse_transform_plane(coefs, NATURAL_TO_ZIGZAG, plane)
    return plane
