"""Reads the header and the palette of a BMP (BITMAPCOREHEADER to BITMAPV5HEADER; OS/2 2.0)."""

import struct
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.errors import UnsupportedImageError
from worker.image.formats.density import density_per_metre
from worker.image.metadata.segments import LONGEST_PROFILE_BYTES

FILE_HEADER_BYTES: Final = 14
CORE_BYTES, INFO_BYTES, OS2_BYTES, V4_BYTES, V5_BYTES = 12, 40, 64, 108, 124
WITH_ALPHA_MASK: Final = frozenset({56, V4_BYTES, V5_BYTES})
PLAIN, RLE8, RLE4, BITFIELDS, JPEG_OR_RLE24, PNG, ALPHA_BITFIELDS = range(7)
EMBEDDED: Final = b"DEBM"
INDEXED_DEPTHS: Final = frozenset({1, 2, 4, 8})

Masks = tuple[int, int, int, int]
# Without masks, Windows leaves the fourth byte unused; programs write alpha into it, or zeros.
DEFAULT_MASKS: Final[dict[int, Masks]] = {
    16: (0x7C00, 0x3E0, 0x1F, 0),
    32: (0xFF0000, 0xFF00, 0xFF, 0xFF000000),
}


@dataclass(frozen=True, slots=True)
class Header:
    """What comes before the pixels."""

    width_px: int
    height_px: int
    is_top_down: bool
    depth: int
    """Bits of a pixel: 1, 2, 4, 8, 16, 24 or 32."""
    is_run_length_encoded: bool
    masks: Masks
    """Bits of red, green, blue and alpha, with 16 and 32 bits."""
    palette: NDArray[np.uint8]
    """RGB as (256, 3): a colour that the file lacks is black."""
    colour_count: int
    start: int
    """Where the pixels begin."""
    density: tuple[int, int, int] | None
    profile: bytes | None


def read_header(data: bytes) -> Header:
    """Return the header of a BMP whose size has been read.

    Raises:
        UnsupportedImageError: when the pixels are stored in a way that is not supported.
        struct.error: when the header is truncated.
    """
    (start, length) = struct.unpack_from("<II", data, 10)
    if length == CORE_BYTES:
        width_px, height_px, _, depth = struct.unpack_from("<HHHH", data, 18)
    else:
        width_px, height_px, _, depth = struct.unpack_from("<IiHH", data, 18)
    # OS/2 2.0 allows leaving out the last fields, which then are 0.
    end = FILE_HEADER_BYTES + length
    info = data[30 : min(end, 54)].ljust(24, b"\0") if length > CORE_BYTES else bytes(24)
    compression, _, x_density, y_density, colour_count, _ = struct.unpack("<IIIIII", info)
    check_compression(compression, depth, length)
    masks, masks_end = read_masks(data, compression, depth, length)
    palette_start = max(end, masks_end)
    entry_bytes = 3 if length == CORE_BYTES else 4
    if depth in INDEXED_DEPTHS:
        colour_count = min(colour_count or 1 << depth, 256)
        if palette_start < start <= len(data):
            colour_count = min(colour_count, (start - palette_start) // entry_bytes)
    else:
        colour_count = 0
    if not palette_start <= start < len(data):
        start = palette_start + colour_count * entry_bytes
    return Header(
        width_px,
        abs(height_px),
        height_px < 0,
        depth,
        compression in {RLE8, RLE4, JPEG_OR_RLE24},
        masks,
        read_palette(data, palette_start, colour_count, entry_bytes),
        colour_count,
        start,
        density_per_metre(x_density, y_density),
        read_profile(data) if length == V5_BYTES else None,
    )


def check_compression(compression: int, depth: int, length: int) -> None:
    """Check that pixels of this depth can be read.

    Raises:
        UnsupportedImageError: when they are stored in a way that is not supported.
    """
    is_os2 = length == OS2_BYTES
    depths = {
        PLAIN: {*INDEXED_DEPTHS, 16, 24, 32},
        RLE8: {8},
        RLE4: {4},
        BITFIELDS: set() if is_os2 else {16, 32},
        JPEG_OR_RLE24: {24} if is_os2 else set(),
        ALPHA_BITFIELDS: {16, 32},
    }.get(compression, set())
    if depth in depths:
        return
    if compression in {JPEG_OR_RLE24, PNG} and not is_os2:
        kind = "JPEG" if compression == JPEG_OR_RLE24 else "PNG"
        raise UnsupportedImageError(f"A {kind} inside of a BMP is not supported.")
    if compression == BITFIELDS and depth == 1:
        raise UnsupportedImageError("Huffman coding in a BMP is not supported.")
    raise UnsupportedImageError(
        f"A BMP with {depth} bits for a pixel and compression {compression} is not supported."
    )


def read_masks(data: bytes, compression: int, depth: int, length: int) -> tuple[Masks, int]:
    """Return the masks of red, green, blue and alpha, and where they end.

    Raises:
        struct.error: when they are truncated.
    """
    position = FILE_HEADER_BYTES + INFO_BYTES
    default = DEFAULT_MASKS.get(depth, (0, 0, 0, 0))
    if compression not in {BITFIELDS, ALPHA_BITFIELDS}:
        denies_alpha = length in WITH_ALPHA_MASK and not any(data[position + 12 : position + 16])
        return (*default[:3], 0 if denies_alpha else default[3]), 0
    has_alpha = compression == ALPHA_BITFIELDS or length in WITH_ALPHA_MASK
    red, green, blue = struct.unpack_from("<III", data, position)
    alpha = struct.unpack_from("<I", data, position + 12)[0] if has_alpha else 0
    end = position + (16 if has_alpha else 12)
    if not red | green | blue:
        red, green, blue, _ = default
    limit = (1 << depth) - 1
    return (red & limit, green & limit, blue & limit, alpha & limit), end


def read_palette(data: bytes, start: int, count: int, entry_bytes: int) -> NDArray[np.uint8]:
    """Return the palette as (256, 3) RGB; what the file doesn't have is black."""
    palette = np.zeros((256, 3), np.uint8)
    entries = np.frombuffer(data[start : start + count * entry_bytes], np.uint8)
    entries = entries[: len(entries) // entry_bytes * entry_bytes].reshape(-1, entry_bytes)
    palette[: len(entries)] = entries[:, 2::-1]
    return palette


def read_profile(data: bytes) -> bytes | None:
    """Return the embedded profile of a BITMAPV5HEADER, None if there is none inside of the file."""
    kind, offset, length = data[70:74], *struct.unpack_from("<II", data, 126)
    start = FILE_HEADER_BYTES + offset
    if kind != EMBEDDED or length > LONGEST_PROFILE_BYTES or start + length > len(data):
        return None
    return data[start : start + length]
