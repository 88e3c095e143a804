"""Size of a GIF (GIF89a): its screen, or the first frame if that reaches beyond the screen."""

import struct
from collections.abc import Iterator
from typing import Final

from contract.errors import CorruptImageError
from contract.image_headers.steps import Steps

MAGIC: Final = (b"GIF87a", b"GIF89a")
SCREEN_BYTES, FRAME_BYTES = 13, 10
FRAME, EXTENSION, TRAILER = b",", b"!", b";"


def read_size(data: bytes, steps: Steps) -> tuple[int, int]:
    """Return width and height of the area that holds the screen and the first frame.

    Raises:
        CorruptImageError: when there is no frame.
        struct.error: when the file ends before the first frame.
        TooManyStepsError: when there are too many blocks before the first frame.
    """
    width_px, height_px = struct.unpack_from("<HH", data, 6)
    *_, (_, position, _) = read_parts(data, steps)
    left, top, width, height = struct.unpack_from("<HHHH", data, position + 1)
    return max(width_px, left + width), max(height_px, top + height)


def read_parts(data: bytes, steps: Steps) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start and end of each extension, and then the first frame with the end of its header.

    Raises:
        CorruptImageError: when there is no frame.
        struct.error: when the file ends before the first frame.
        TooManyStepsError: when there are too many blocks before the first frame.
    """
    (flags,) = struct.unpack_from("B", data, 10)
    position = SCREEN_BYTES + palette_bytes(flags)
    while True:
        steps.take()
        kind = data[position : position + 1]
        if kind == FRAME:
            yield kind, position, position + FRAME_BYTES
            return
        if kind in {TRAILER, b""}:
            raise CorruptImageError("The GIF has no frame.")
        start, position = position, position + 1
        if kind == EXTENSION:
            position = skip_blocks(data, position + 1, steps)
            yield kind, start, position


def palette_bytes(flags: int) -> int:
    """Return the length of the table of colours that the flags of a screen or a frame announce."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def skip_blocks(data: bytes, position: int, steps: Steps) -> int:
    """Return the position after an extension's blocks."""
    while True:
        steps.take()
        (length,) = struct.unpack_from("B", data, position)
        position += 1 + length
        if length == 0:
            return position
