"""Size of a WebP (RFC 9649): its canvas, or its only frame."""

import struct
from collections.abc import Iterator
from typing import Final

from contract.errors import CorruptImageError
from contract.image_headers.steps import Steps

LOSSY, LOSSLESS, CANVAS = b"VP8 ", b"VP8L", b"VP8X"
KINDS: Final = (LOSSY, LOSSLESS, CANVAS)
# RFC 6386, 9.1.
VP8_START_CODE: Final = b"\x9d\x01\x2a"
VP8L_SIGNATURE: Final = 0x2F
SIDE_MASK: Final = 0x3FFF


def read_size(data: bytes, steps: Steps) -> tuple[int, int]:
    """Return width and height of the canvas, or of the frame if there is no canvas.

    Raises:
        CorruptImageError: when the frame has no signature.
        struct.error: when the header is truncated.
    """
    steps.take()
    kind = data[12:16]
    if kind == CANVAS:
        fields = struct.unpack_from("<HBHB", data, 24)
        return fields[0] + (fields[1] << 16) + 1, fields[2] + (fields[3] << 16) + 1
    return read_frame_size(data, kind, 20)


def read_frame_size(data: bytes, kind: bytes, start: int) -> tuple[int, int]:
    """Return width and height of a lossy or lossless frame whose chunk's content begins at ``start``.

    Raises:
        CorruptImageError: when the frame has no signature.
        struct.error: when its header is truncated.
    """
    if kind == LOSSLESS:
        signature, bits = struct.unpack_from("<BI", data, start)
        if signature == VP8L_SIGNATURE:
            return (bits & SIDE_MASK) + 1, (bits >> 14 & SIDE_MASK) + 1
    elif data[start + 3 : start + 6] == VP8_START_CODE:
        width, height = struct.unpack_from("<HH", data, start + 6)
        return width & SIDE_MASK, height & SIDE_MASK
    raise CorruptImageError("The WebP's frame has no signature.")


def read_chunks(data: bytes, steps: Steps, start: int = 12) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start and end of each chunk's content; the last one may end beyond ``data``.

    The length in the file's header is not needed.

    Raises:
        TooManyStepsError: when there are too many chunks.
    """
    while start + 8 <= len(data):
        steps.take()
        kind, length = struct.unpack_from("<4sI", data, start)
        yield kind, start + 8, start + 8 + length
        start += 8 + length + length % 2
