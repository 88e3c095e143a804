"""Reads the format and size of an upload from its header; decodes nothing."""

import warnings
from dataclasses import dataclass
from typing import Final

from PIL import Image, UnidentifiedImageError

from contract.errors import CorruptImageError, TooManyPixelsError, UnsupportedImageError
from contract.images import HEIC_BRANDS, IMAGE_FORMATS, MAX_SIDE_PX, NOT_AN_IMAGE, ImageFile

# `check_size` has our own limit, which may be above Pillow's.
Image.MAX_IMAGE_PIXELS = None
# Pillow loads its readers on first use, which would delay the first request.
Image.init()
# Pillow warns of damaged metadata, which is not our concern.
warnings.filterwarnings("ignore", module="PIL")

# A file with one of these brands may be an AVIF; if Pillow can't open it, it is a HEIC file.
SHARED_BRANDS: Final = frozenset({b"mif1", b"msf1"})

# A JPEG whose scan starts within these limits is parsed here, without Pillow.
QUICK_BYTES: Final = 16 * 1024
QUICK_SEGMENTS: Final = 64
# ITU-T T.81, table B.1.
SOS: Final = 0xDA
# SOF0 to SOF2: baseline, extended sequential and progressive frames with Huffman coding.
FRAME_MARKERS: Final = frozenset({0xC0, 0xC1, 0xC2})
# DHT, DQT, DRI, APPn, COM.
SKIPPED_MARKERS: Final = frozenset({0xC4, 0xDB, 0xDD, *range(0xE0, 0xF0), 0xFE})
# Multi-picture format (CIPA DC-007): further pictures follow. Pillow calls such a file an MPO.
MPF: Final = b"MPF\0"


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """An image's format by Pillow's name, and its size before any rotation."""

    format: str
    width_px: int
    height_px: int


def probe(data: bytes, max_pixels: int) -> ImageHeader:
    """Return format and size of the image in ``data``.

    Raises:
        UnsupportedImageError: when ``data`` is not an image of a supported format.
        TooManyPixelsError: when the image has more than ``max_pixels``, or a side over 65,500.
        CorruptImageError: when the image's header is damaged.
    """
    if quick := probe_jpeg_header(data, max_pixels):
        return quick
    try:
        with Image.open(ImageFile(data), formats=IMAGE_FORMATS) as image:
            width_px, height_px = image.size
            name = image.format or ""
    except UnidentifiedImageError as error:
        if data[4:8] == b"ftyp" and data[8:12] in HEIC_BRANDS | SHARED_BRANDS:
            raise UnsupportedImageError(
                "HEIC photos are not supported; save or export this one as a JPEG."
            ) from error
        raise UnsupportedImageError(NOT_AN_IMAGE) from error
    except Exception as error:  # readers raise many types on damaged data
        raise CorruptImageError("The image's header is damaged.") from error
    if width_px < 1 or height_px < 1:
        raise CorruptImageError("The image has no pixels.")
    return ImageHeader(name, *check_size(width_px, height_px, max_pixels))


def probe_jpeg_header(data: bytes, max_pixels: int) -> ImageHeader | None:
    """Return the size of a JPEG with an ordinary header; None for everything else.

    The number of steps is limited, so this may run in the event loop. A JPEG that passes may still
    be damaged; the worker checks it again.

    Raises:
        TooManyPixelsError: as ``probe``.
    """
    if not data.startswith(b"\xff\xd8"):
        return None
    position, size = 2, None
    for _ in range(QUICK_SEGMENTS):
        head = data[position : position + 10]
        if len(head) < 4 or head[0] != 0xFF or position > QUICK_BYTES:
            return None
        marker, length = head[1], int.from_bytes(head[2:4])
        if marker == SOS:
            return ImageHeader("JPEG", *check_size(*size, max_pixels)) if size else None
        if marker in FRAME_MARKERS and size is None and is_ordinary_frame(head):
            size = int.from_bytes(head[7:9]), int.from_bytes(head[5:7])
        elif marker not in SKIPPED_MARKERS or length < 2 or head[4:8] == MPF:
            return None
        position += 2 + length
    return None


def is_ordinary_frame(head: bytes) -> bool:
    """Return whether a frame header has 8 bits, 1, 3 or 4 components, and a nonzero size."""
    if len(head) < 10:
        return False
    length, bits, components = int.from_bytes(head[2:4]), head[4], head[9]
    has_size = any(head[5:7]) and any(head[7:9])
    return has_size and bits == 8 and components in {1, 3, 4} and length == 8 + 3 * components


def check_size(width_px: int, height_px: int, max_pixels: int) -> tuple[int, int]:
    """Return width and height unchanged.

    Raises:
        TooManyPixelsError: when the image has more than ``max_pixels``, or a side over 65,500.
    """
    if max(width_px, height_px) > MAX_SIDE_PX:
        raise TooManyPixelsError(
            f"The image is {width_px} × {height_px} pixels; each side may have at most "
            f"{MAX_SIDE_PX}."
        )
    if width_px * height_px > max_pixels:
        raise TooManyPixelsError(
            f"The image is {width_px} × {height_px} pixels; at most {max_pixels} are accepted."
        )
    return width_px, height_px
