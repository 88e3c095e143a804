"""Size of a BMP (Microsoft BITMAPCOREHEADER and BITMAPINFOHEADER; OS/2 2.0)."""

import struct
from typing import Final

from contract.errors import CorruptImageError
from contract.image_headers.steps import Steps

MAGIC: Final = b"BM"
CORE_HEADER_BYTES: Final = 12
# OS/2 2.0 allows leaving out the fields after the first 16 bytes.
SMALLEST_INFO_HEADER_BYTES: Final = 16
LARGEST_INFO_HEADER_BYTES: Final = 124


def read_size(data: bytes, steps: Steps) -> tuple[int, int]:
    """Return width and height; the rows may be in either order.

    Raises:
        CorruptImageError: when the header has an unknown length.
        struct.error: when the header is truncated.
    """
    steps.take()
    (header_bytes,) = struct.unpack_from("<I", data, 14)
    if header_bytes == CORE_HEADER_BYTES:
        width_px, height_px = struct.unpack_from("<HH", data, 18)
    elif SMALLEST_INFO_HEADER_BYTES <= header_bytes <= LARGEST_INFO_HEADER_BYTES:
        width_px, height_px = struct.unpack_from("<Ii", data, 18)
    else:
        raise CorruptImageError("The BMP's header has an unknown length.")
    return width_px, abs(height_px)
