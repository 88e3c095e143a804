"""The pixels that a decoder makes of a source's blocks, of all or of some."""

import numpy as np
from numpy.typing import NDArray

from codec.jit import kernel
from codec.jpeg.decode.coefficients import Source
from codec.jpeg.transform.idct import inverse_transform

_NEAR, _FAR = np.float32(0.75), np.float32(0.25)
# What libjpeg adds before it cuts fractions off. A little more than a half, for products of floats: halves,
# which are frequent in flat blocks, go up.
_HALF = np.float32(0.5 + 2**-10)
_LESS_THAN_HALF, _QUARTER = np.float32(7 / 16), np.float32(0.25)


def render(source: Source, tile_px: int = 0) -> NDArray[np.uint8]:
    """Return the pixels (h, w, 3) or (h, w) of all of a source's blocks, also those beyond its sides.

    Samples are rounded and chroma is upsampled as by libjpeg (jidctint.c; jdsample.c, "fancy upsampling").
    With `tile_px`, tiles of that height lie below each other, and chroma is not mixed across them.
    """
    planes = []
    for qcoefs, steps in zip(source.qcoefs, source.quant_tables, strict=True):
        plane = inverse_transform(qcoefs * steps.astype(np.float32))
        np.floor(plane + _HALF, out=plane)
        planes.append(np.clip(plane, -128.0, 127.0, out=plane))
    if len(planes) == 1:
        return (planes[0] + np.float32(128.0)).astype(np.uint8)
    pixels = np.empty((*planes[0].shape, 3), np.uint8)
    is_across, is_down = source.horizontal == 2, source.vertical == 2
    _merge(*planes, is_across, is_down, tile_px or pixels.shape[0], pixels)
    return pixels


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
    blue = np.empty(luma.shape[1], np.float32)
    red = np.empty(luma.shape[1], np.float32)
    for y in range(luma.shape[0]):
        near, far = y, y
        if is_down:
            tile = y // tile_px * tile_px // 2
            near = y // 2
            far = min(max(near + 2 * (y % 2) - 1, tile), tile + tile_px // 2 - 1)
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
