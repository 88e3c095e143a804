"""Where strips and tiles lie in the file, and how often it is read (TIFF 6.0, sections 3 and 15)."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.errors import CorruptImageError
from worker.image.formats.tiff.codecs import FAXES, JPEG
from worker.image.formats.tiff.directory import Directory
from worker.image.formats.tiff.layout import Layout

STRIP_OFFSETS, STRIP_BYTE_COUNTS, TILE_OFFSETS, TILE_BYTE_COUNTS = 273, 279, 324, 325
JPEG_TABLES: Final = 347
# A photo of 65,500 rows has a strip for each, or three in separate planes.
MAX_SEGMENTS: Final = 1 << 18
# Decoded bytes of all segments: tiles of a photo that is little larger than one are mostly padding.
PADDING, SMALL_IMAGE_BYTES = 4, 64 << 20
# Encoded bytes of all segments: some may be the same, as empty tiles are.
READS_PER_BYTE, FREE_BYTES = 8, 16 << 20
# A decoder that starts for each segment takes as long as so many bytes; JPEGs share tables, which each
# reads again.
START_BYTES: Final = 600


@dataclass(frozen=True, slots=True)
class Segment:
    """One strip or tile."""

    plane: int
    """Index of its sample in separate planes, else 0."""
    row: int
    column: int
    offset: int
    byte_count: int


def find_segments(directory: Directory, layout: Layout) -> list[Segment]:
    """Return all strips or tiles that hold samples to read.

    Raises:
        CorruptImageError: when there are too many, too few, or decoding would take far more than the
            image.
    """
    across = -(-layout.width_px // layout.segment_width_px)
    down = -(-layout.height_px // layout.segment_height_px)
    count = across * down * (layout.samples if layout.is_planar else 1)
    if count > MAX_SEGMENTS:
        raise CorruptImageError("The TIFF has too many strips or tiles.")
    image_bytes = layout.width_px * layout.height_px * layout.samples * layout.bits // 8
    segment_bytes = layout.stored_bytes(layout.segment_height_px, layout.segment_width_px)
    if count * segment_bytes > PADDING * image_bytes + SMALL_IMAGE_BYTES:
        raise CorruptImageError("The TIFF's tiles are larger than the image.")
    offsets, byte_counts = read_positions(directory, layout, count)
    planes = layout.channels if layout.is_planar else [0]
    if layout.is_planar and layout.alpha == "probable" and not offsets[-across * down :].any():
        planes = planes[:-1]  # a plane that was never written
    first = [plane * across * down for plane in planes]
    total_bytes = sum(int(byte_counts[at : at + across * down].sum()) for at in first)
    if layout.compression in {JPEG, *FAXES}:
        start_bytes = max(START_BYTES, directory.count(JPEG_TABLES))
        total_bytes += len(planes) * across * down * start_bytes
    if total_bytes > READS_PER_BYTE * len(directory.data) + FREE_BYTES:
        raise CorruptImageError("The TIFF's strips or tiles are the same bytes too often.")
    return [
        Segment(
            plane,
            index // across * layout.segment_height_px,
            index % across * layout.segment_width_px,
            int(offsets[plane * across * down + index]),
            int(byte_counts[plane * across * down + index]),
        )
        for plane in planes
        for index in range(across * down)
    ]


def read_positions(
    directory: Directory, layout: Layout, count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return offsets and byte counts of segments, all within the file.

    A byte count that is missing or 0 reaches to the next segment, as in libtiff.
    """
    file_bytes = len(directory.data)
    is_tiled = layout.is_tiled and TILE_OFFSETS in directory
    found = directory.integers(TILE_OFFSETS if is_tiled else STRIP_OFFSETS, count)
    if len(found) < count:
        raise CorruptImageError("The TIFF has too few strips or tiles.")
    offsets = np.clip(found.astype(np.float64), 0, file_bytes).astype(np.int64)
    counts = np.zeros(count, np.int64)
    number = TILE_BYTE_COUNTS if TILE_BYTE_COUNTS in directory else STRIP_BYTE_COUNTS
    found = directory.integers(number, count)
    counts[: len(found)] = np.clip(found.astype(np.float64), 0, file_bytes)
    if not counts.all():
        starts = np.append(np.unique(offsets), file_bytes)
        nexts = starts[np.searchsorted(starts, offsets, side="right").clip(max=len(starts) - 1)]
        counts = np.where(counts > 0, counts, nexts - offsets)
    return offsets, counts
