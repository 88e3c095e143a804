"""Size of a PNG (PNG, third edition, 11.2.1): from its IHDR chunk."""

import struct
from collections.abc import Iterator
from typing import Final

from contract.errors import CorruptImageError
from contract.image_headers.steps import Steps

MAGIC: Final = b"\x89PNG\r\n\x1a\n"


def read_size(data: bytes, steps: Steps) -> tuple[int, int]:
    """Return width and height; those of an animation's frames are no larger.

    Raises:
        CorruptImageError: when there is no header before the pixels.
        struct.error: when the file ends inside of the header.
        TooManyStepsError: when there are too many chunks.
    """
    for kind, start, _ in read_chunks(data, steps):
        if kind == b"IHDR":
            width_px, height_px = struct.unpack_from(">II", data, start)
            return width_px, height_px
        if kind == b"IDAT":
            break
    raise CorruptImageError("The PNG has no header.")


def read_chunks(data: bytes, steps: Steps) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start and end of each chunk's content; the last one may end beyond the file.

    Raises:
        TooManyStepsError: when there are too many chunks.
    """
    position = len(MAGIC)
    while position + 8 <= len(data):
        steps.take()
        length, kind = struct.unpack_from(">I4s", data, position)
        yield kind, position + 8, position + 8 + length
        position += 12 + length
