"""Size of a JPEG (ITU-T T.81, annex B): from its frame header."""

import struct
from collections.abc import Iterator
from typing import Final

from contract.errors import CorruptImageError
from contract.image_headers.steps import Steps

MAGIC: Final = b"\xff\xd8\xff"
# Table B.1.
SOS: Final = 0xDA
# SOF0 to SOF15 without DHT, JPG and DAC.
FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
FILL: Final = 0xFF
# Markers without a segment: an escaped 0xFF, TEM, RST0 to EOI; and JPG, JPG0 to JPG13, which have no
# meaning yet and which Pillow takes as such.
BARE: Final = frozenset({0x00, 0x01, 0xC8, *range(0xD0, 0xDA), *range(0xF0, 0xFE)})
# Garbage between two segments.
MAX_GAP_BYTES: Final = 64 * 1024


def read_size(data: bytes, steps: Steps) -> tuple[int, int]:
    """Return width and height of the frame before the first scan.

    Raises:
        CorruptImageError: when no scan with a frame is found.
        struct.error: when a segment is truncated.
        TooManyStepsError: when there are too many segments or fill bytes.
    """
    size = None
    for marker, start, _ in read_segments(data, steps):
        if marker in FRAMES:
            height_px, width_px = struct.unpack_from(">HH", data, start + 1)
            size = width_px, height_px
    if size is None:
        raise CorruptImageError("The JPEG has no frame.")
    return size


def read_segments(data: bytes, steps: Steps) -> Iterator[tuple[int, int, int]]:
    """Yield marker, start and end of each segment's content before the first scan.

    Raises:
        CorruptImageError: when no scan is found.
        struct.error: when a segment is truncated.
        TooManyStepsError: when there are too many segments or fill bytes.
    """
    position = 2
    while True:
        steps.take()
        position = data.find(b"\xff", position, position + MAX_GAP_BYTES)
        if position < 0:
            raise CorruptImageError("The JPEG has no scan.")
        (marker,) = struct.unpack_from("B", data, position + 1)
        if marker == SOS:
            return
        if marker == FILL:
            position += 1
        elif marker in BARE:
            position += 2
        else:
            (length,) = struct.unpack_from(">H", data, position + 2)
            end = position + 2 + max(length, 2)
            yield marker, position + 4, end
            position = end
