"""BMP files made of a header, a palette and pixels."""

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray


def info(
    size_px: tuple[int, int],
    depth: int,
    compression: int = 0,
    *,
    length: int = 40,
    density: tuple[int, int] = (0, 0),
    colours: int = 0,
    masks: tuple[int, ...] = (),
) -> bytes:
    """Return a header of 40 bytes or more; masks are inside of it, or follow it."""
    fields = (*size_px, 1, depth, compression, 0, *density, colours, 0)
    header = struct.pack("<IiiHHIIIIII", length, *fields)
    return (header + struct.pack(f"<{len(masks)}I", *masks)).ljust(length, b"\0")


def bmp(header: bytes, palette: bytes, pixels: bytes, *, start: int | None = None) -> bytes:
    """Return a BMP; ``start`` overrides where the file says that its pixels begin."""
    at = 14 + len(header) + len(palette)
    named = at if start is None else start
    return b"BM" + struct.pack("<IHHI", at + len(pixels), 0, 0, named) + header + palette + pixels


def rows(samples: NDArray[Any], depth: int) -> bytes:
    """Return rows from the bottom up: samples of (height, width) with ``depth`` bits, or bytes."""
    samples = samples[::-1]
    if depth < 8:
        bits = (samples[..., None].astype(int) >> np.arange(depth - 1, -1, -1)) & 1
        packed = np.packbits(bits.reshape(len(samples), -1).astype(np.uint8), axis=1)
    else:
        packed = samples.astype(f"<u{min(depth // 8, 4)}" if depth != 24 else np.uint8)
        packed = packed.reshape(len(samples), -1).view(np.uint8)
    return np.pad(packed, ((0, 0), (0, -packed.shape[1] % 4))).tobytes()
