"""A source's picture at n/8 of its size, straight from the coefficients (scaled inverse DCT, as in jidctred.c).

Only the network sees it. Enlarged chroma is not clamped before it is mixed with luma.
"""

import math
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.jit import inlined, kernel
from codec.jpeg.decode.coefficients import Source
from codec.jpeg.syntax.tables import NATURAL_TO_ZIGZAG

_FULL: Final = 8  # samples of a block in each direction


def render_preview(source: Source, size_px: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the picture (h, w, 3) or (h, w) at the smallest n/8, n from 1 to 8, that covers `size_px`.

    `size_px` is (width, height). If that is the size of the result in one direction, high frequencies
    are weakened there as by a triangle filter that scales to it (`Image.Resampling.BILINEAR`). Otherwise
    the caller scales with that filter.
    """
    sides = (source.width, source.height)
    eighths = [
        math.ceil(_FULL * wanted / side) for wanted, side in zip(size_px, sides, strict=True)
    ]
    n = min(max(eighths), _FULL)
    width, height = (max(1, round(side * n / _FULL)) for side in sides)
    is_across, is_down = source.horizontal == 2, source.vertical == 2
    filters = [width == size_px[0], height == size_px[1]]
    planes: list[NDArray[np.float32]] = []
    for i, qcoefs in enumerate(source.qcoefs):
        across, down = (2 if i and is_across else 1), (2 if i and is_down else 1)
        rows, columns = -(-height // (n * down)), -(-width // (n * across))
        plane = np.empty((rows * n * down, columns * n * across), np.float32)
        _scale_blocks(
            qcoefs,
            source.quant_tables[i].astype(np.float32),
            NATURAL_TO_ZIGZAG,
            _list_weights(n * down, is_filtered=filters[1]),
            _list_weights(n * across, is_filtered=filters[0]),
            plane,
        )
        planes.append(plane)
    if len(planes) == 1:
        grey = np.rint(planes[0][:height, :width] + np.float32(128.0))
        levels: NDArray[np.uint8] = np.clip(grey, 0, 255).astype(np.uint8)
        return levels
    pixels = np.empty((height, width, 3), np.uint8)
    _mix(planes[0], planes[1], planes[2], pixels)
    return pixels


@lru_cache
def _list_weights(samples: int, *, is_filtered: bool) -> NDArray[np.float32]:
    """Return the weight (samples, 8) of each coefficient of a block in each of its samples.

    Frequencies that so few samples can't hold have none. With `is_filtered`, high ones are weakened.
    """
    k = np.arange(_FULL)
    places = (2 * np.arange(samples)[:, None] + 1) * k * np.pi / (2 * samples)
    weights = np.cos(places) * math.sqrt(2 / _FULL)
    weights[:, 0] = math.sqrt(1 / _FULL)
    weights[:, samples:] = 0
    if is_filtered:
        # The triangle's half width is one sample of the result.
        weights *= np.sinc(k / (2 * samples)) ** 2
    return weights.astype(np.float32)


@inlined
def _dot(weights: NDArray[np.float32], at: int, values: NDArray[np.float32], x: int) -> np.float32:
    """Return the sum of values[:, x] by weights[at]; the order of additions does not depend on the compiler."""
    low = weights[at, 0] * values[0, x] + weights[at, 1] * values[1, x]
    low += weights[at, 2] * values[2, x] + weights[at, 3] * values[3, x]
    high = weights[at, 4] * values[4, x] + weights[at, 5] * values[5, x]
    high += weights[at, 6] * values[6, x] + weights[at, 7] * values[7, x]
    return low + high  # type: ignore[no-any-return]


@kernel
def _scale_blocks(  # noqa: C901, PLR0917 -- plain loops; kernels take no keyword-only arguments
    qcoefs: NDArray[np.int16],
    steps: NDArray[np.float32],
    order: NDArray[np.int64],
    down: NDArray[np.float32],
    across: NDArray[np.float32],
    plane: NDArray[np.float32],
) -> None:
    """Fill `plane` with the samples of blocks by the weights `down` and `across` (samples, 8)."""
    rows, columns = down.shape[0], across.shape[0]
    count = plane.shape[1] // columns
    used_rows, used_columns = min(rows, 8), min(columns, 8)
    # Blocks are innermost, so that the compiler can use vector instructions.
    coefs = np.zeros((8, 8, count), np.float32)  # across, down
    half = np.zeros((rows, 8, count), np.float32)
    line = np.empty(count, np.float32)
    for by in range(plane.shape[0] // rows):
        for v in range(used_rows):
            for u in range(used_columns):
                k = order[v * 8 + u]
                step = steps[k]
                for bx in range(count):
                    coefs[u, v, bx] = np.float32(qcoefs[by, bx, k]) * step
        for y in range(rows):
            for u in range(used_columns):
                for bx in range(count):
                    half[y, u, bx] = _dot(down, y, coefs[u], bx)
        for y in range(rows):
            for x in range(columns):
                for bx in range(count):
                    line[bx] = _dot(across, x, half[y], bx)
                for bx in range(count):
                    plane[by * rows + y, bx * columns + x] = line[bx]


@kernel
def _mix(
    luma: NDArray[np.float32],
    cb: NDArray[np.float32],
    cr: NDArray[np.float32],
    pixels: NDArray[np.uint8],
) -> None:
    """Fill `pixels` (h, w, 3) with the RGB of planes that are centred on zero (T.871, clause 7)."""
    for y in range(pixels.shape[0]):
        for x in range(pixels.shape[1]):
            grey = luma[y, x] + np.float32(128.5)  # half a level to round
            red = grey + np.float32(1.402) * cr[y, x]
            green = grey - np.float32(0.344136) * cb[y, x] - np.float32(0.714136) * cr[y, x]
            blue = grey + np.float32(1.772) * cb[y, x]
            pixels[y, x, 0] = np.uint8(min(max(red, np.float32(0.0)), np.float32(255.0)))
            pixels[y, x, 1] = np.uint8(min(max(green, np.float32(0.0)), np.float32(255.0)))
            pixels[y, x, 2] = np.uint8(min(max(blue, np.float32(0.0)), np.float32(255.0)))
