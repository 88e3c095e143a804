"""Reads the first frame of a GIF on its screen, which is transparent where no frame is (GIF89a)."""

import io
import struct
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from contract.errors import CorruptImageError
from contract.image_headers import gif
from contract.image_headers.steps import Steps, TooManyStepsError
from worker.image.formats.pixels import make_pixels
from worker.image.samples import RawMetadata, StoredPhoto

# Labels of extensions (GIF89a, 23 and 26), and identifiers of applications.
GRAPHIC_CONTROL, APPLICATION = 0xF9, 0xFF
# ICC.1:2004, B.6; XMP part 3, 1.1.2, which ends in a trailer that reads as blocks from anywhere.
PROFILE_NAME, XMP_NAME = b"ICCRGBG1012", b"XMP DataXMP"
XMP_TRAILER: Final = b"\x01\xff\xfe\xfd\xfc"
TRANSPARENT, INTERLACED = 0x01, 0x40


@dataclass(slots=True)
class Extensions:
    """What extensions before the first frame say about it."""

    transparent: int | None = None
    """The index that has no colour."""
    profile: bytes | None = None
    metadata: RawMetadata = field(default_factory=RawMetadata)


def read(data: bytes) -> StoredPhoto:
    """Return the first frame on the area that holds it and the screen.

    Raises:
        CorruptImageError: when there is no frame, or its pixels are truncated or damaged.
    """
    try:
        size_px = gif.read_size(data, Steps())
        parts = list(gif.read_parts(data, Steps()))
        _, start, end = parts.pop()
        left, top, width, height, flags = struct.unpack_from("<HHHHB", data, start + 1)
    except (struct.error, TooManyStepsError) as error:
        raise CorruptImageError("The GIF's header is damaged.") from error
    extensions = read_extensions(data, parts)
    own_bytes = gif.palette_bytes(flags)
    indices = decode(data[end + own_bytes :], (width, height), flags & INTERLACED)
    palette = (
        data[end : end + own_bytes]
        or data[gif.SCREEN_BYTES : gif.SCREEN_BYTES + gif.palette_bytes(data[10])]
    )
    values = look_up(indices, palette)
    if (width, height) != size_px or extensions.transparent is not None:
        canvas = np.zeros((size_px[1], size_px[0], values.shape[2] + 1), np.uint8)
        inside = canvas[top : top + height, left : left + width]
        inside[..., :-1] = values
        inside[..., -1] = 255
        if extensions.transparent is not None:
            inside[..., -1][indices == extensions.transparent] = 0
        values = canvas
    pixels = make_pixels(values, extensions.profile)
    return StoredPhoto(pixels, metadata=extensions.metadata)


def read_extensions(data: bytes, parts: list[tuple[bytes, int, int]]) -> Extensions:
    """Return what the extensions say; the last one of a kind counts."""
    found = Extensions()
    for _, start, end in parts:
        label, length = data[start + 1], data[start + 2]
        content = data[start + 3 : start + 3 + length]
        if label == GRAPHIC_CONTROL and length >= 4:
            found.transparent = content[3] if content[0] & TRANSPARENT else None
        elif label == APPLICATION and content == PROFILE_NAME:
            found.profile = join_blocks(data, start + 3 + length)
        elif label == APPLICATION and content == XMP_NAME:
            packet, trailer, _ = data[start + 3 + length : end].rpartition(XMP_TRAILER)
            found.metadata = RawMetadata(xmp=packet if trailer else None)
    return found


def join_blocks(data: bytes, position: int) -> bytes:
    """Return the contents of an extension's blocks, from ``position`` to the empty one."""
    blocks = []
    while length := data[position]:
        blocks.append(data[position + 1 : position + 1 + length])
        position += 1 + length
    return b"".join(blocks)


def decode(blocks: bytes, size_px: tuple[int, int], interlaced: int) -> NDArray[np.uint8]:
    """Return a frame's indices as (height, width).

    Pillow reads them as grey levels, because this file has no palette.

    Raises:
        CorruptImageError: when pixels are missing or damaged.
    """
    screen = struct.pack("<HHBBB", *size_px, 0, 0, 0)
    frame = struct.pack("<HHHHB", 0, 0, *size_px, interlaced)
    file = b"".join((gif.MAGIC[1], screen, gif.FRAME, frame, blocks))
    try:
        with Image.open(io.BytesIO(file), formats=["GIF"]) as image:
            return np.array(image)
    except Exception as error:  # Pillow raises many kinds of errors for damaged pixels
        raise CorruptImageError("The image's data is truncated or damaged.") from error


def look_up(indices: NDArray[np.uint8], palette: bytes) -> NDArray[np.uint8]:
    """Return colours as (height, width, 3), or grey levels as (height, width, 1).

    Levels are the indices if the palette says so or is missing. An index beyond it is black.
    """
    colours = np.frombuffer(palette, np.uint8)[: len(palette) // 3 * 3].reshape(-1, 3)
    if np.array_equal(colours, np.arange(len(colours))[:, None].repeat(3, axis=1)):
        return indices[..., None]
    table = np.zeros((256, 3), np.uint8)
    table[: len(colours)] = colours
    return table[indices]
