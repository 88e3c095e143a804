"""Decodes strips and tiles, and puts their samples in their places."""

from collections.abc import Iterator
from itertools import accumulate
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from contract.errors import CorruptImageError
from worker.image.formats.tiff.codecs import (
    COMPRESSIONS,
    JPEG,
    NONE,
    REVERSED_BITS,
    T4_OPTIONS,
    WEBP,
    decode_fax,
    decompress_parts,
)
from worker.image.formats.tiff.directory import Directory
from worker.image.formats.tiff.jpeg_segments import decode_jpeg, decode_webp
from worker.image.formats.tiff.layout import Layout
from worker.image.formats.tiff.positions import JPEG_TABLES, Segment, find_segments
from worker.image.formats.tiff.ranges import BAND_SAMPLES
from worker.image.formats.tiff.samples import scale, unpack_rows, unpack_units

LONGEST_TABLES_BYTES: Final = 64 * 1024


def read_samples(directory: Directory, layout: Layout) -> NDArray[Any]:
    """Return the photo's samples, scaled as in `scale`, (height, width, channels).

    Channels are as in `Layout.channels`.

    Raises:
        CorruptImageError: when a strip or tile is truncated or damaged.
        UnsupportedImageError: when the predictor or a kind of JPEG is not supported.
    """
    segments = find_segments(directory, layout)
    channels = layout.channels
    photo = np.zeros((layout.height_px, layout.width_px, len(channels)), layout.dtype)
    for segment in segments:
        for row, band in read_bands(directory, layout, segment):
            top, left = segment.row + row, segment.column
            place = photo[top : top + len(band), left : left + band.shape[1]]
            stored = scale(band[: place.shape[0], : place.shape[1]], layout)
            if layout.is_planar:
                place[..., channels.index(segment.plane)] = stored[..., 0]
            else:
                place[...] = stored[..., channels]
    return photo


def read_bands(
    directory: Directory, layout: Layout, segment: Segment
) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield bands of a strip's or tile's rows: the first row, and samples as stored.

    The last band may go on below the image, and all bands to the right of it.
    """
    across, down = layout.plane_subsampling(segment.plane)
    rows = -(-min(layout.segment_height_px, layout.height_px - segment.row) // down)
    most_rows = -(-layout.segment_height_px // down)
    width = -(-layout.segment_width_px // across)
    most_bytes = layout.stored_bytes(most_rows, width)
    encoded = find_encoded(directory, layout, segment, most_bytes)
    if COMPRESSIONS[layout.compression].decompress is None and layout.compression != NONE:
        columns = -(-min(layout.segment_width_px, layout.width_px - segment.column) // across)
        pixels = decode_pixels(directory, layout, bytes(encoded), (most_rows, width))
        bands = iter([(0, pixels)])
    else:
        columns = width
        counts = divide_rows(rows, width, layout)
        sizes = [layout.stored_bytes(count, width) for count in counts]
        parts = decompress_parts(encoded, layout.compression, sizes, most_bytes)
        bands = unpack_bands(parts, counts, width, layout)
    end = 0
    for row, band in bands:
        end = row + len(band)
        if band.shape[1] < columns:
            break
        if (across, down) != (1, 1):
            band = band.repeat(down, axis=0).repeat(across, axis=1)  # noqa: PLW2901
        yield row * down, band
    if end < rows or band.shape[1] < columns:
        raise CorruptImageError("A strip or tile of the TIFF is smaller than its place.")


def find_encoded(
    directory: Directory, layout: Layout, segment: Segment, most_bytes: int
) -> bytes | memoryview:
    """Return a strip's or tile's bytes.

    Raises:
        CorruptImageError: when they go on behind the file's end.
    """
    # Byte counts of uncompressed strips are not needed, and often wrong.
    byte_count = most_bytes if layout.compression == NONE else segment.byte_count
    end = segment.offset + byte_count
    if layout.compression != NONE and end > len(directory.data):
        raise CorruptImageError("The TIFF is truncated, or one of its strips or tiles is.")
    encoded = memoryview(directory.data)[segment.offset : end]
    if layout.is_bit_reversed and layout.compression not in {JPEG, WEBP}:
        return bytes(encoded).translate(REVERSED_BITS)
    return encoded


def decode_pixels(
    directory: Directory, layout: Layout, encoded: bytes, shape: tuple[int, int]
) -> NDArray[Any]:
    """Return the pixels of a JPEG, WebP or CCITT strip or tile, (height, width, samples).

    ``shape`` is its size by the TIFF, (rows, width).
    """
    rows, width = shape
    samples = layout.segment_samples
    if layout.compression == JPEG:
        tables = directory.content(JPEG_TABLES, LONGEST_TABLES_BYTES) or b""
        is_ycbcr = layout.jpeg_is_ycbcr
        return decode_jpeg(encoded, tables, samples, rows * width, is_ycbcr=is_ycbcr)
    if layout.compression == WEBP:
        return decode_webp(encoded, samples, rows * width)
    options = directory.integer(T4_OPTIONS)
    return decode_fax(encoded, layout.compression, options, rows, width)


def divide_rows(rows: int, width: int, layout: Layout) -> list[int]:
    """Return the number of rows in each band."""
    samples = layout.colours if layout.has_units else layout.segment_samples
    # A multiple of 4: units of YCbCr have up to four rows.
    band_rows = max(4, BAND_SAMPLES // (width * samples) // 4 * 4)
    return [min(band_rows, rows - row) for row in range(0, rows, band_rows)]


def unpack_bands(
    parts: Iterator[memoryview], counts: list[int], width: int, layout: Layout
) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield bands of rows: the first row, and samples as stored, (rows, width, samples)."""
    samples = layout.colours if layout.has_units else layout.segment_samples
    for row, count, band in zip(accumulate(counts, initial=0), counts, parts, strict=False):
        if layout.has_units:
            yield row, unpack_units(band, count, width, layout)
        else:
            yield row, unpack_rows(band, (count, width, samples), layout)
