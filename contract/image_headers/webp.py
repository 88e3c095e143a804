"""Size of a WebP (RFC 9649): its canvas, or its only frame."""

import struct
from typing import Final

from contract.errors import CorruptImageError
from contract.image_headers.steps import Steps

KINDS: Final = (b"VP8 ", b"VP8L", b"VP8X")
# RFC 6386, 9.1.
VP8_START_CODE: Final = b"\x9d\x01\x2a"
VP8L_SIGNATURE: Final = 0x2F
SIDE_MASK: Final = 0x3FFF


def read_size(data: bytes, steps: Steps) -> tuple[int, int]:
    """Return width and height. libwebp refuses frames that don't fit into the canvas.

    Raises:
        CorruptImageError: when the frame has no signature.
        struct.error: when the header is truncated.
    """
    steps.take()
    kind = data[12:16]
    if kind == b"VP8X":
        fields = struct.unpack_from("<HBHB", data, 24)
        return fields[0] + (fields[1] << 16) + 1, fields[2] + (fields[3] << 16) + 1
    if kind == b"VP8L":
        signature, bits = struct.unpack_from("<BI", data, 20)
        if signature == VP8L_SIGNATURE:
            return (bits & SIDE_MASK) + 1, (bits >> 14 & SIDE_MASK) + 1
    elif data[23:26] == VP8_START_CODE:
        width, height = struct.unpack_from("<HH", data, 26)
        return width & SIDE_MASK, height & SIDE_MASK
    raise CorruptImageError("The WebP's frame has no signature.")
