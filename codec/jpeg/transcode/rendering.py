"""The pixels that a decoder makes of a source's blocks, of all or of some."""

import math

import numpy as np
from numpy.typing import NDArray

from codec.jit import inlined, kernel
from codec.jpeg.decode.coefficients import Source
from codec.jpeg.syntax.tables import NATURAL_TO_ZIGZAG
from codec.jpeg.transform.dct import inverse_transform_line

_NEAR, _FAR = np.float32(0.75), np.float32(0.25)
_HALF_WAY = np.float32(4 * math.sqrt(8))
# What libjpeg adds before it cuts fractions off. A little more than a half, for products of floats: halves,
# which are frequent in flat blocks, go up.
_HALF = np.float32(0.5 + 2**-10)
_LESS_THAN_HALF, _QUARTER = np.float32(7 / 16), np.float32(0.25)


def render(source: Source, tile_px: int = 0) -> NDArray[np.uint8]:
    """Return the pixels (h, w, 3) or (h, w) that a source shows.

    Samples are rounded and chroma is upsampled as by libjpeg (jidctint.c; jdsample.c, "fancy upsampling").
    With `tile_px`, tiles of that height lie below each other, and chroma is not mixed across them.
    """
    planes: list[NDArray[np.float32]] = []
    for i, (qcoefs, steps) in enumerate(zip(source.qcoefs, source.quant_tables, strict=True)):
        plane = np.empty((qcoefs.shape[0] * 8, qcoefs.shape[1] * 8), np.float32)
        _fill_plane(qcoefs, steps.astype(np.float32), NATURAL_TO_ZIGZAG, plane)
        # Upsampling repeats the last samples of the image, not those that complete blocks.
        down, across = (source.vertical, source.horizontal) if i else (1, 1)
        shown = plane[: -(-source.height // down), : -(-source.width // across)]
        planes.append(np.ascontiguousarray(shown))
    if len(planes) == 1:
        return (planes[0] + np.float32(128.0)).astype(np.uint8)
    pixels = np.empty((*planes[0].shape, 3), np.uint8)
    is_across, is_down = source.horizontal == 2, source.vertical == 2
    _merge(planes[0], planes[1], planes[2], is_across, is_down, tile_px or len(pixels) + 1, pixels)
    return pixels


@inlined
def _round_half(value: np.float32) -> np.float32:
    """Return what libjpeg keeps of a value between the two passes of its inverse DCT."""
    return np.floor(value * _HALF_WAY + np.float32(0.5)) * (np.float32(1.0) / _HALF_WAY)  # type: ignore[no-any-return]


@inlined
def _round_sample(value: np.float32) -> np.float32:
    """Return a sample, centred on zero, as a whole number in the range of 8 bits."""
    return min(max(np.floor(value + _HALF), np.float32(-128.0)), np.float32(127.0))


@kernel
def _fill_plane(
    qcoefs: NDArray[np.int16],
    steps: NDArray[np.float32],
    order: NDArray[np.int64],
    plane: NDArray[np.float32],
) -> None:
    """Fill `plane` with samples, centred on zero."""
    count = qcoefs.shape[1]
    # Blocks are innermost, so that the compiler can use vector instructions.
    coefs = np.empty((64, count), np.float32)
    half = np.empty((64, count), np.float32)
    for by in range(qcoefs.shape[0]):
        for k in range(64):
            step = steps[order[k]]
            for bx in range(count):
                coefs[k, bx] = np.float32(qcoefs[by, bx, order[k]]) * step
        for x in range(8):
            for bx in range(count):
                s0, s1, s2, s3, s4, s5, s6, s7 = inverse_transform_line(
                    coefs[x, bx],
                    coefs[8 + x, bx],
                    coefs[16 + x, bx],
                    coefs[24 + x, bx],
                    coefs[32 + x, bx],
                    coefs[40 + x, bx],
                    coefs[48 + x, bx],
                    coefs[56 + x, bx],
                )
                half[x, bx] = _round_half(s0)
                half[8 + x, bx] = _round_half(s1)
                half[16 + x, bx] = _round_half(s2)
                half[24 + x, bx] = _round_half(s3)
                half[32 + x, bx] = _round_half(s4)
                half[40 + x, bx] = _round_half(s5)
                half[48 + x, bx] = _round_half(s6)
                half[56 + x, bx] = _round_half(s7)
        for y in range(8):
            row = plane[by * 8 + y]
            for bx in range(count):
                s0, s1, s2, s3, s4, s5, s6, s7 = inverse_transform_line(
                    half[8 * y, bx],
                    half[8 * y + 1, bx],
                    half[8 * y + 2, bx],
                    half[8 * y + 3, bx],
                    half[8 * y + 4, bx],
                    half[8 * y + 5, bx],
                    half[8 * y + 6, bx],
                    half[8 * y + 7, bx],
                )
                row[8 * bx] = _round_sample(s0)
                row[8 * bx + 1] = _round_sample(s1)
                row[8 * bx + 2] = _round_sample(s2)
                row[8 * bx + 3] = _round_sample(s3)
                row[8 * bx + 4] = _round_sample(s4)
                row[8 * bx + 5] = _round_sample(s5)
                row[8 * bx + 6] = _round_sample(s6)
                row[8 * bx + 7] = _round_sample(s7)


@kernel
def _upsample_row(
    near: NDArray[np.float32],
    far: NDArray[np.float32],
    is_across: bool,
    rounding: tuple[np.float32, np.float32],
    row: NDArray[np.float32],
) -> None:
    """Fill `row` with upsampled chroma: 3/4 of the nearer sample and 1/4 of the further one in each direction.

    `rounding` is added to samples at even and odd places before their fraction is cut off.
    """
    columns = near.size
    if not is_across:
        for x in range(columns):
            row[x] = np.floor(near[x] * _NEAR + far[x] * _FAR + rounding[0])
        return
    blended = np.empty(columns + 2, np.float32)  # with its ends repeated
    for x in range(columns):
        blended[x + 1] = near[x] * _NEAR + far[x] * _FAR
    blended[0] = blended[1]
    blended[columns + 1] = blended[columns]
    for x in range(columns):
        nearest = blended[x + 1] * _NEAR
        row[2 * x] = np.floor(nearest + blended[x] * _FAR + rounding[0])
        row[2 * x + 1] = np.floor(nearest + blended[x + 2] * _FAR + rounding[1])


@kernel
def _merge(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    luma: NDArray[np.float32],
    cb: NDArray[np.float32],
    cr: NDArray[np.float32],
    is_across: bool,
    is_down: bool,
    tile_px: int,
    pixels: NDArray[np.uint8],
) -> None:
    """Fill `pixels` (h, w, 3) with the RGB of planes that are centred on zero (T.871, clause 7)."""
    blue = np.empty(luma.shape[1] + 1, np.float32)  # sides may be odd
    red = np.empty(luma.shape[1] + 1, np.float32)
    for y in range(luma.shape[0]):
        near, far = y, y
        if is_down:
            tile = y // tile_px * tile_px // 2
            near = y // 2
            last = min(tile + tile_px // 2, cb.shape[0]) - 1
            far = min(max(near + 2 * (y % 2) - 1, tile), last)
        # Halves, and quarters where only one direction is upsampled, go up and down by turns.
        rounding = (_HALF, _HALF)
        if is_across:
            rounding = (_HALF, _LESS_THAN_HALF) if is_down else (_QUARTER, _HALF)
        elif is_down and y % 2 == 0:
            rounding = (_QUARTER, _QUARTER)
        _upsample_row(cb[near], cb[far], is_across, rounding, blue)
        _upsample_row(cr[near], cr[far], is_across, rounding, red)
        for x in range(luma.shape[1]):
            grey = luma[y, x] + np.float32(128.5)  # half a level to round
            r = grey + np.float32(1.402) * red[x]
            g = grey - np.float32(0.344136) * blue[x] - np.float32(0.714136) * red[x]
            b = grey + np.float32(1.772) * blue[x]
            pixels[y, x, 0] = np.uint8(min(max(r, np.float32(0.0)), np.float32(255.0)))
            pixels[y, x, 1] = np.uint8(min(max(g, np.float32(0.0)), np.float32(255.0)))
            pixels[y, x, 2] = np.uint8(min(max(b, np.float32(0.0)), np.float32(255.0)))
