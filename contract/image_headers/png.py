"""Size of a PNG (ISO/IEC 15948, 11.2.1): from its IHDR chunk."""

import struct
from typing import Final

from contract.errors import CorruptImageError
from contract.image_headers.steps import Steps

MAGIC: Final = b"\x89PNG\r\n\x1a\n"


def read_size(data: bytes, steps: Steps) -> tuple[int, int]:
    """Return width and height; those of an animation's frames are no larger.

    Raises:
        CorruptImageError: when pixels come before the header.
        struct.error: when the file ends before the header.
        TooManyStepsError: when there are too many chunks.
    """
    position = len(MAGIC)
    while True:
        steps.take()
        length, kind = struct.unpack_from(">I4s", data, position)
        if kind == b"IHDR":
            width_px, height_px = struct.unpack_from(">II", data, position + 8)
            return width_px, height_px
        if kind == b"IDAT":
            raise CorruptImageError("The PNG has no header.")
        position += 12 + length
