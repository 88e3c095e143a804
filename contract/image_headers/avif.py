"""Size of an AVIF (AV1 Image File Format): of its primary item, or of an animation's first track."""

import struct
from typing import Final

from contract.errors import CorruptImageError
from contract.image_headers.boxes import Box, Fields, find_box, read_boxes
from contract.image_headers.heif_items import read_item_size
from contract.image_headers.steps import Steps

FTYP: Final = b"ftyp"
BRANDS: Final = frozenset({b"avif", b"avis"})
# A file with this major brand is decoded from its tracks, if it has any.
ANIMATION: Final = b"avis"
# ISO/IEC 14496-12, 8.3.2: the fields before width and height, in version 0 and in version 1.
FIELDS_BEFORE_SIZE_BYTES: Final = (76, 88)


def read_brands(data: bytes, steps: Steps) -> list[bytes]:
    """Return the major brand of a HEIF file and the compatible ones; none if it is another file."""
    if data[4:8] != FTYP:
        return []
    (size,) = struct.unpack_from(">I", data)
    brands = [data[8:12]]
    for position in range(16, min(size, len(data) - 3), 4):
        steps.take()
        brands.append(data[position : position + 4])
    return brands


def read_size(data: bytes, steps: Steps) -> tuple[int, int]:
    """Return width and height before any rotation or crop.

    Raises:
        CorruptImageError: when a box that is needed is missing or damaged.
        struct.error: when a box is truncated.
        TooManyStepsError: when there are too many boxes.
    """
    file = Box(b"", 0, len(data))
    if data[8:12] == ANIMATION and (moov := find_box(data, file, b"moov", steps)):
        return read_track_size(data, moov, steps)
    meta = find_box(data, file, b"meta", steps)
    if meta is None:
        raise CorruptImageError("The AVIF has no picture.")
    return read_item_size(data, meta, steps)


def read_track_size(data: bytes, moov: Box, steps: Steps) -> tuple[int, int]:
    """Return width and height of the largest track.

    Raises:
        CorruptImageError: when no track has a size.
    """
    sizes = []
    for track in read_boxes(data, moov.start, moov.end, steps):
        if track.kind != b"trak" or not (tkhd := find_box(data, track, b"tkhd", steps)):
            continue
        fields = Fields(data, tkhd)
        fields.skip(FIELDS_BEFORE_SIZE_BYTES[fields.read(1) != 0] - 1)
        # With 16 bits after the point.
        sizes.append((fields.read(4) >> 16, fields.read(4) >> 16))
    if not sizes:
        raise CorruptImageError("The AVIF has no picture.")
    return max(sizes, key=lambda sides: sides[0] * sides[1])
