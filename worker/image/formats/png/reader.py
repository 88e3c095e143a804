"""Reads a PNG at its full depth (PNG, third edition); of an animation its default image."""

import io
import struct
import zlib
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from contract.errors import CorruptImageError
from contract.image_headers.png import MAGIC
from worker.image.formats.orientation import read_orientation
from worker.image.formats.pixels import make_pixels
from worker.image.formats.png.chunks import ALPHA, HEADER, INDEXED, PALETTE, PIXELS, read_chunks
from worker.image.formats.png.colour import read_colour
from worker.image.formats.png.metadata import KEYWORDS, read_metadata
from worker.image.samples import StoredPhoto

# Colour types (11.2.1).
GREY, RGB, GREY_ALPHA, RGB_ALPHA = 0, 2, 4, 6
# Pillow's names for 16-bit samples that it shall unpack as bytes: it has no pixels of that depth but
# grey ones. A name gives one byte of each sample, or both.
DEEP_BYTES: Final[dict[int, tuple[str, ...]]] = {
    RGB: ("RGB;16L", "RGB;16B"),
    GREY_ALPHA: ("RGBA",),
    RGB_ALPHA: ("RGBA;16L", "RGBA;16B"),
}
HEADER_FORMAT: Final = struct.Struct(">IIBBBBB")


def read(data: bytes) -> StoredPhoto:
    """Return the photo in a PNG of any depth, colour type and interlacing.

    Raises:
        CorruptImageError: when a critical chunk is damaged or pixels are missing.
        UnsupportedImageError: when the file is of Apple's variant of PNG.
    """
    chunks = read_chunks(data, KEYWORDS)
    header = chunks.first.get(HEADER, b"")
    if len(header) != HEADER_FORMAT.size:
        raise CorruptImageError("The PNG's header is damaged.")
    _, _, depth, colour_type, *_ = HEADER_FORMAT.unpack(header)
    file = b"".join((MAGIC, *write_chunk(HEADER, header), *write_chunk(PIXELS, *chunks.pixels)))
    try:
        values = decode(file, depth, colour_type)
    except Exception as error:  # Pillow raises many kinds of errors for damaged pixels
        raise CorruptImageError("The image's data is truncated or damaged.") from error
    if colour_type == INDEXED:
        values = look_up(values, chunks.first.get(PALETTE, b""), chunks.first.get(ALPHA, b""))
    else:
        values = add_alpha(values, depth, chunks.first.get(ALPHA, b""))
    profile, cicp = read_colour(chunks.first, is_grey=values.shape[2] <= 2)
    metadata = read_metadata(chunks)
    pixels = make_pixels(values, profile, cicp)
    return StoredPhoto(pixels, read_orientation(metadata.exif), metadata)


def write_chunk(kind: bytes, *content: bytes | memoryview) -> tuple[bytes | memoryview, ...]:
    """Return the parts of a chunk."""
    checksum = zlib.crc32(kind)
    for part in content:
        checksum = zlib.crc32(part, checksum)
    length = sum(map(len, content))
    return struct.pack(">I4s", length, kind), *content, struct.pack(">I", checksum)


def decode(file: bytes, depth: int, colour_type: int) -> NDArray[Any]:
    """Return samples as (height, width, channels): uint16 with 16 bits, else uint8.

    Samples of less than 8 bits are scaled up, unless they are indices.
    """
    parts = []
    names = DEEP_BYTES.get(colour_type, ()) if depth == 16 else ()
    for name in names or (None,):
        with Image.open(io.BytesIO(file), formats=["PNG"]) as image:
            if name is not None:
                image.tile = [tile._replace(args=name) for tile in image.tile]
            image.load()
            parts.append(np.asarray(image.convert("L") if image.mode == "1" else image))
    if colour_type == GREY_ALPHA and names:
        return parts[0].view(">u2").astype(np.uint16)
    if names:
        low, high = parts
        return np.stack((low, high), axis=-1).view("<u2")[..., 0].astype(np.uint16, copy=False)
    return np.atleast_3d(parts[0])


def look_up(indices: NDArray[np.uint8], palette: bytes, alpha: bytes) -> NDArray[np.uint8]:
    """Return the palette's colours, and their alpha if there is any.

    An index beyond the palette is opaque black, and too long an alpha is ignored, as in libpng.

    Raises:
        CorruptImageError: when there is no palette.
    """
    count, rest = divmod(len(palette), 3)
    if rest or not 1 <= count <= 256:
        raise CorruptImageError("The PNG's palette is missing or damaged.")
    table = np.zeros((256, 4), np.uint8)
    table[:count, :3] = np.frombuffer(palette, np.uint8).reshape(-1, 3)
    table[:, 3] = 255
    if not 1 <= len(alpha) <= count:
        return table[:, :3][indices[..., 0]]
    table[: len(alpha), 3] = np.frombuffer(alpha, np.uint8)
    return table[indices[..., 0]]


def add_alpha(values: NDArray[Any], depth: int, alpha: bytes) -> NDArray[Any]:
    """Return ``values`` with one colour transparent: the one of tRNS, which has the file's depth."""
    channels = values.shape[2]
    if channels not in {1, 3} or len(alpha) != 2 * channels:
        return values
    largest = np.iinfo(values.dtype).max
    scale = largest // ((1 << depth) - 1)
    colour = (np.frombuffer(alpha, ">u2") & ((1 << depth) - 1)) * scale
    opaque = (values != colour.astype(values.dtype)).any(axis=-1, keepdims=True)
    return np.concatenate((values, opaque.astype(values.dtype) * largest), axis=-1)
