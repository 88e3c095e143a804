"""Size of a GIF (GIF89a): its screen, or the first frame if that reaches beyond the screen."""

import struct
from typing import Final

from contract.errors import CorruptImageError
from contract.image_headers.steps import Steps

MAGIC: Final = (b"GIF87a", b"GIF89a")
FRAME, EXTENSION, TRAILER = b",", b"!", b";"


def read_size(data: bytes, steps: Steps) -> tuple[int, int]:
    """Return width and height of the area that holds the screen and the first frame.

    Raises:
        CorruptImageError: when there is no frame.
        struct.error: when the file ends before the first frame.
        TooManyStepsError: when there are too many blocks before the first frame.
    """
    width_px, height_px, flags = struct.unpack_from("<HHB", data, 6)
    position = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    while True:
        steps.take()
        kind = data[position : position + 1]
        if kind == FRAME:
            left, top, width, height = struct.unpack_from("<HHHH", data, position + 1)
            return max(width_px, left + width), max(height_px, top + height)
        if kind in {TRAILER, b""}:
            raise CorruptImageError("The GIF has no frame.")
        position = skip_blocks(data, position + 2, steps) if kind == EXTENSION else position + 1


def skip_blocks(data: bytes, position: int, steps: Steps) -> int:
    """Return the position after an extension's blocks."""
    while True:
        steps.take()
        (length,) = struct.unpack_from("B", data, position)
        position += 1 + length
        if length == 0:
            return position
