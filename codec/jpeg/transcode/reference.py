"""The bytes of a source's reference, without decoding all of it.

The reference is the standard JPEG of the decoded pixels. Its bits are counted on the source's coefficients,
rounded by its tables. Decoding rounds samples to 8 bits and clamps them, which changes the bits by some
percent where the source's steps divide the reference's. The ratio is measured on tiles spread over the image,
which are decoded and written by libjpeg.
"""

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.jpeg.decode.coefficients import Source
from codec.jpeg.quantize.block_weights import pool_blocks
from codec.jpeg.quantize.distortion import list_reference_steps
from codec.jpeg.rate_control.standard_jpeg import HEADER_BYTES, count_scan_bits, measure_reference
from codec.jpeg.syntax.component import CHROMA, LUMA
from codec.jpeg.syntax.tables import ZIGZAG_TO_NATURAL
from codec.jpeg.transcode.rendering import render
from codec.jpeg.transform.dct import transform
from codec.jpeg.transform.idct import inverse_transform

SQUARE_PX: Final = 16
TILE_SQUARES: Final = 12
"""Width of a tile in squares of 16×16 pixels; its height is one square."""
TILES: Final = 32
LEAST_TILES: Final = 96
"""Smaller images are decoded as a whole."""
BAND_PIXELS: Final = 1 << 20
"""Pixels of a larger image that are rendered at a time, so that memory does not grow with it."""
MOST_SPREAD: Final = 0.006
"""Largest difference between the ratios of the two halves of the tiles. Beyond it, the whole image is decoded."""
MOST_CHANGE: Final = 0.04
"""Largest distance of the ratio from 1. Beyond it, the whole image is decoded."""
_GOLDEN: Final = 0.618034
_FINER: Final = 8
"""Units of a sample into which coefficients are divided when chroma has been subsampled."""
# What upsampling by 1/4 and 3/4 leaves of the means of two samples, by frequency: 3/4 + 1/4 cos.
_BLUR: Final = 0.75 + 0.25 * np.cos(np.pi * np.arange(8) / 8)


def measure_source_reference(source: Source, quality: int) -> int:
    """Return about the bytes of the reference at `quality` 1..100 of the pixels that a source shows.

    The estimate is within 1 % (`tests/codec/jpeg/transcode/test_reference.py`).
    """
    tiles = list_tiles(source)
    if tiles:
        steps = list_reference_steps(len(source.qcoefs), quality)
        found = [_measure_tiles(source, half, steps, quality) for half in (tiles[::2], tiles[1::2])]
        written, counted = (sum(values) for values in zip(*found, strict=True))
        ratios = [own_written / own_counted for own_written, own_counted in found]
        ratio: float = written / counted
        is_even = abs(ratios[0] - ratios[1]) <= MOST_SPREAD * ratio
        if is_even and abs(ratio - 1.0) <= MOST_CHANGE:
            scan_bytes = _count_bits(source, steps) / 8 * ratio
            return HEADER_BYTES[len(source.qcoefs)] + round(scan_bytes)
    return _measure_whole(source, quality)


def _measure_whole(source: Source, quality: int) -> int:
    """Return the bytes of the reference of all pixels, which are rendered in bands of rows."""
    band_px = max(BAND_PIXELS // source.width // SQUARE_PX, 1) * SQUARE_PX
    header_bytes = HEADER_BYTES[len(source.qcoefs)]
    total_bytes = header_bytes
    for top in range(0, source.height, band_px):
        qcoefs = []
        for i, plane in enumerate(source.qcoefs):
            block_px = 8 * source.vertical if i else 8
            qcoefs.append(plane[top // block_px : (top + band_px) // block_px])
        height = min(band_px, source.height - top)
        band = replace(source, height=height, qcoefs=qcoefs)
        total_bytes += measure_reference(render(band), quality) - header_bytes
    return total_bytes


def list_tiles(source: Source) -> list[tuple[int, int]]:
    """Return row and column of the tiles' first squares; none for an image that is decoded as a whole.

    Their rows are evenly spaced, their columns follow the golden ratio, so that they lie far apart.
    """
    rows, columns = source.height // SQUARE_PX, source.width // (SQUARE_PX * TILE_SQUARES)
    if rows * columns < LEAST_TILES:
        return []
    places = [
        (int((i + 0.5) * rows / TILES), int(i * _GOLDEN % 1.0 * columns) * TILE_SQUARES)
        for i in range(TILES)
    ]
    return list(dict.fromkeys(places))


def _measure_tiles(
    source: Source,
    tiles: list[tuple[int, int]],
    steps: list[NDArray[np.float32]],
    quality: int,
) -> tuple[float, float]:
    """Return the bytes of the scan of some tiles, as libjpeg writes them and as they are counted."""
    cut = _cut_tiles(source, tiles)
    written = measure_reference(render(cut, SQUARE_PX), quality) - HEADER_BYTES[len(cut.qcoefs)]
    return written, _count_bits(cut, steps) / 8


def _cut_tiles(source: Source, tiles: list[tuple[int, int]]) -> Source:
    """Return a source of some tiles, below each other."""
    qcoefs = []
    for i, plane in enumerate(source.qcoefs):
        down, across = (2 // source.vertical, 2 // source.horizontal) if i else (2, 2)
        cut = [
            plane[top * down : (top + 1) * down, left * across : (left + TILE_SQUARES) * across]
            for top, left in tiles
        ]
        qcoefs.append(np.concatenate(cut))
    size = (TILE_SQUARES * SQUARE_PX, len(tiles) * SQUARE_PX)
    return replace(source, width=size[0], height=size[1], qcoefs=qcoefs)


def _count_bits(source: Source, steps: list[NDArray[np.float32]]) -> int:
    """Return the bits of the reference's scan, counted on coefficients."""
    is_grey = len(source.qcoefs) == 1
    factors = source.quant_tables[0].astype(np.float32) / steps[0]
    luma = source.qcoefs[0] if is_grey else _complete_squares(source)
    bits = count_scan_bits(LUMA, luma, factors, 1 if is_grey else 2)
    across, down = source.horizontal == 2, source.vertical == 2
    blur = np.outer(_BLUR if down else np.ones(8), _BLUR if across else np.ones(8))
    kept = blur.reshape(64)[ZIGZAG_TO_NATURAL].astype(np.float32)
    for i, qcoefs in enumerate(source.qcoefs[1:], 1):
        table = source.quant_tables[i].astype(np.float32)
        if across and down:
            bits += count_scan_bits(CHROMA, qcoefs, table * kept / steps[i], 1)
        else:
            coefs = _subsample(table * qcoefs, across, down)
            bits += count_scan_bits(CHROMA, coefs, kept / (steps[i] * _FINER), 1)
    return bits


def _complete_squares(source: Source) -> NDArray[np.int16]:
    """Return luma with whole squares; blocks that hold no samples repeat DC and have no AC (jccoefct.c)."""
    luma = source.qcoefs[0]
    rows, columns = -(-source.height // 8), -(-source.width // 8)
    if rows % 2 == columns % 2 == 0:
        return luma
    missing = [(0, rows % 2), (0, columns % 2), (0, 0)]
    complete = np.pad(luma[:rows, :columns], missing, mode="edge")
    complete[rows:, :, 1:] = 0
    complete[:, columns:, 1:] = 0
    return complete


def _subsample(coefs: NDArray[np.float32], across: bool, down: bool) -> NDArray[np.int16]:
    """Return chroma as 4:2:0 in units of 1/_FINER; `across` and `down` tell where it is subsampled already."""
    plane = np.clip(inverse_transform(coefs), -128.0, 127.0)
    pitches = (8 if down else 16, 8 if across else 16)
    missing = [(0, -side % pitch) for side, pitch in zip(plane.shape, pitches, strict=True)]
    means = pool_blocks(np.pad(plane, missing, mode="edge"), 1 if across else 2, 1 if down else 2)
    halved: NDArray[np.int16] = np.rint(transform(means) * np.float32(_FINER)).astype(np.int16)
    return halved
