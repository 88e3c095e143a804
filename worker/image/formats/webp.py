"""Reads a WebP, of an animation the first frame on its canvas (RFC 9649)."""

import io
import struct
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from contract.errors import CorruptImageError
from contract.image_headers import webp
from contract.image_headers.steps import Steps, TooManyStepsError
from worker.image.formats.orientation import read_orientation
from worker.image.formats.pixels import make_pixels
from worker.image.limits import BYTES_PER_READ, FREE_READS, LONGEST_EXIF_BYTES
from worker.image.metadata.segments import LONGEST_PROFILE_BYTES
from worker.image.samples import RawMetadata, StoredPhoto
from worker.image.segment_names import EXIF_NAME

FRAMES: Final = frozenset({webp.LOSSY, webp.LOSSLESS})
ALPHA, ANIMATED = b"ALPH", b"ANMF"
PROFILE, EXIF, XMP = b"ICCP", b"EXIF", b"XMP "
# 2.7.1: what stands before the chunks of an animation's frame.
FRAME_HEADER_BYTES: Final = 16
HAS_ALPHA: Final = 0x10


@dataclass(slots=True)
class Chunks:
    """The first whole chunk of each kind that counts, up to the first frame, and metadata behind it."""

    contents: dict[bytes, bytes] = field(default_factory=dict)
    place: tuple[int, int] | None = None
    """Left and top of an animation's frame on its canvas."""


def read(data: bytes) -> StoredPhoto:
    """Return the photo in a WebP.

    Raises:
        CorruptImageError: when pixels are missing or damaged, or the frame doesn't fit on its canvas.
    """
    try:
        size_px = webp.read_size(data, Steps())
        chunks = read_chunks(data)
        frame = decode(data, size_px, chunks)
    except (struct.error, TooManyStepsError) as error:
        raise CorruptImageError("The image's header is damaged.") from error
    profile = chunks.contents.get(PROFILE)
    if profile is not None and len(profile) > LONGEST_PROFILE_BYTES:
        profile = None
    exif = chunks.contents.get(EXIF, b"").removeprefix(EXIF_NAME)
    metadata = RawMetadata(
        exif=exif if 0 < len(exif) <= LONGEST_EXIF_BYTES else None, xmp=chunks.contents.get(XMP)
    )
    pixels = make_pixels(put_on_canvas(frame, size_px, chunks.place or (0, 0)), profile)
    return StoredPhoto(pixels, read_orientation(exif), metadata)


def read_chunks(data: bytes) -> Chunks:
    """Return the chunks that count; a frame of an animation is taken apart.

    Raises:
        TooManyStepsError: when there are too many chunks.
    """
    chunks = Chunks()
    contents = chunks.contents
    steps = Steps(FREE_READS + len(data) // BYTES_PER_READ)
    for kind, start, end in webp.read_chunks(data, steps):
        if end > len(data) or kind in contents:
            continue
        if kind == ANIMATED and FRAMES.isdisjoint(contents):
            left, top = data[start : start + 3], data[start + 3 : start + 6]
            chunks.place = 2 * int.from_bytes(left, "little"), 2 * int.from_bytes(top, "little")
            inside = data[start + FRAME_HEADER_BYTES : end]
            for part, at, part_end in webp.read_chunks(inside, steps, 0):
                if part in {ALPHA, *FRAMES} and part_end <= len(inside):
                    contents.setdefault(part, inside[at:part_end])
        elif kind in {PROFILE, EXIF, XMP} or FRAMES.isdisjoint(contents):
            contents[kind] = data[start:end]
    return chunks


def decode(data: bytes, size_px: tuple[int, int], chunks: Chunks) -> NDArray[np.uint8]:
    """Return the frame's samples as (height, width, 3), or 4 with alpha.

    Raises:
        CorruptImageError: when there is no whole frame, or it doesn't fit on its canvas.
        struct.error: when its header is truncated.
    """
    contents = chunks.contents
    kind = next((kind for kind in contents if kind in FRAMES), None)
    if kind is None:
        raise CorruptImageError("The image's data is truncated or damaged.")
    width, height = webp.read_frame_size(contents[kind], kind, 0)
    left, top = chunks.place or (0, 0)
    fits = left + width <= size_px[0] and top + height <= size_px[1]
    if not fits or (chunks.place is None and (width, height) != size_px):
        raise CorruptImageError("The WebP's frame does not fit on its canvas.")
    parts = [write_chunk(kind, contents[kind])]
    if data[12:16] == webp.CANVAS:
        if kind == webp.LOSSY and ALPHA in contents:
            parts.insert(0, write_chunk(ALPHA, contents[ALPHA]))
        sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        flags = struct.pack("<I", data[20] & HAS_ALPHA)
        parts.insert(0, write_chunk(webp.CANVAS, flags + sides))
    body = b"WEBP" + b"".join(parts)
    try:
        file = io.BytesIO(b"RIFF" + struct.pack("<I", len(body)) + body)
        with Image.open(file, formats=["WEBP"]) as image:
            return np.asarray(image)
    except Exception as error:  # Pillow raises many kinds of errors for damaged pixels
        raise CorruptImageError("The image's data is truncated or damaged.") from error


def write_chunk(kind: bytes, content: bytes) -> bytes:
    """Return a chunk."""
    return kind + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def put_on_canvas(
    frame: NDArray[np.uint8], size_px: tuple[int, int], place: tuple[int, int]
) -> NDArray[np.uint8]:
    """Return the frame at its place; what it leaves free is transparent."""
    height, width, channels = frame.shape
    if (width, height) == size_px:
        return frame
    left, top = place
    canvas = np.zeros((size_px[1], size_px[0], 4), np.uint8)
    inside = canvas[top : top + height, left : left + width]
    inside[..., 3] = 255
    inside[..., :channels] = frame
    return canvas
