"""PNG files made of chunks."""

import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAGIC = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def chunk(kind: bytes, content: bytes = b"") -> bytes:
    """Return a chunk with its checksum."""
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def header(
    width_px: int, height_px: int, depth: int, colour_type: int, interlaced: int = 0
) -> bytes:
    """Return the chunk IHDR."""
    fields = (width_px, height_px, depth, colour_type, 0, 0, interlaced)
    return chunk(b"IHDR", struct.pack(">IIBBBBB", *fields))


def pixels(samples: NDArray[Any], depth: int) -> bytes:
    """Return the chunk IDAT of samples as (height, width, channels), not interlaced or filtered."""
    rows = samples.reshape(len(samples), -1)
    if depth == 16:
        packed = rows.astype(">u2").view(np.uint8)
    else:
        bits = (rows[..., None] >> np.arange(depth - 1, -1, -1)) & 1
        packed = np.packbits(bits.reshape(len(rows), -1).astype(np.uint8), axis=1)
    return chunk(b"IDAT", zlib.compress(np.insert(packed, 0, 0, axis=1).tobytes()))


def png(
    samples: NDArray[Any], depth: int, colour_type: int, *before: bytes, after: bytes = b""
) -> bytes:
    """Return a PNG with further chunks before and after its pixels."""
    samples = samples.reshape(*samples.shape[:2], CHANNELS[colour_type])
    start = header(samples.shape[1], samples.shape[0], depth, colour_type)
    return b"".join((MAGIC, start, *before, pixels(samples, depth), after, chunk(b"IEND")))
