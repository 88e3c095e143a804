"""What an upload is, from its header alone: nothing is decoded here."""

import warnings
from dataclasses import dataclass

from PIL import Image, UnidentifiedImageError

from contract.errors import CorruptImageError, TooManyPixelsError, UnsupportedImageError
from contract.images import IMAGE_FORMATS, MAX_SIDE_PX, NOT_AN_IMAGE, ImageFile

# Our own limit is checked here; Pillow's would only warn below it.
Image.MAX_IMAGE_PIXELS = None
# Readers register themselves only when asked to, and an unregistered one can't be named.
Image.init()
# What readers think of damaged metadata is no news to anyone.
warnings.filterwarnings("ignore", module="PIL")

# Of ISO/IEC 23008-12, annex B: what phones write, and Pillow has no reader for.
HEIC_BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
)

# What a JPEG may have before its scan to be read at once, in few steps.
QUICK_BYTES = 16 * 1024
QUICK_SEGMENTS = 64
# ITU-T T.81, table B.1: start of scan; frames that Huffman codes, all but lossless ones; tables,
# restart intervals, what applications add, comments.
SOS = 0xDA
FRAMES = frozenset({0xC0, 0xC1, 0xC2})
ORDINARY = frozenset({0xC4, 0xDB, 0xDD, *range(0xE0, 0xF0), 0xFE})
# Says that further pictures follow, and makes Pillow call the file an MPO.
MPF = b"MPF\0"


@dataclass(frozen=True, slots=True)
class Probed:
    """An image's format, by Pillow's name, and its size as stored."""

    format: str
    width_px: int
    height_px: int


def probe(data: bytes, max_pixels: int) -> Probed:
    """Return what ``data`` is, by its content.

    Raises:
        UnsupportedImageError: when it is no image of an accepted format.
        TooManyPixelsError: when it has more than ``max_pixels``, or a side over 65,500.
        CorruptImageError: when it is one, but its header makes no sense.
    """
    if quick := probe_jpeg_header(data, max_pixels):
        return quick
    try:
        with Image.open(ImageFile(data), formats=IMAGE_FORMATS) as image:
            width_px, height_px = image.size
            name = image.format or ""
    except UnidentifiedImageError as error:
        if data[4:8] == b"ftyp" and data[8:12] in HEIC_BRANDS:
            raise UnsupportedImageError(
                "This is a HEIC photo, which is not read here; save or export it as a JPEG."
            ) from error
        raise UnsupportedImageError(NOT_AN_IMAGE) from error
    except Exception as error:  # readers raise whatever their parsing stumbles over
        raise CorruptImageError("The image's header is damaged.") from error
    if width_px < 1 or height_px < 1:
        raise CorruptImageError("The image has no pixels.")
    return Probed(name, *check_size(width_px, height_px, max_pixels))


def probe_jpeg_header(data: bytes, max_pixels: int) -> Probed | None:
    """Return what ``data`` is if it is a JPEG of an ordinary header, None where Pillow must look.

    Nobody can make this take long. What it finds the worker's reader may still refuse, by the same
    errors as `probe`.

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
            return Probed("JPEG", *check_size(*size, max_pixels)) if size else None
        if marker in FRAMES and size is None and is_ordinary(head):
            size = int.from_bytes(head[7:9]), int.from_bytes(head[5:7])
        elif marker not in ORDINARY or length < 2 or head[4:8] == MPF:
            return None
        position += 2 + length
    return None


def is_ordinary(head: bytes) -> bool:
    """Return whether a frame header is one of 8 bits and 1, 3 or 4 components, and has a size."""
    if len(head) < 10:
        return False
    length, bits, components = int.from_bytes(head[2:4]), head[4], head[9]
    has_size = any(head[5:7]) and any(head[7:9])
    return has_size and bits == 8 and components in {1, 3, 4} and length == 8 + 3 * components


def check_size(width_px: int, height_px: int, max_pixels: int) -> tuple[int, int]:
    """Return the size of an image that isn't too large.

    Raises:
        TooManyPixelsError: when it has more than ``max_pixels``, or a side over 65,500.
    """
    if max(width_px, height_px) > MAX_SIDE_PX:
        raise TooManyPixelsError(
            f"The image is {width_px} × {height_px} pixels; a JPEG's side has at most "
            f"{MAX_SIDE_PX}."
        )
    if width_px * height_px > max_pixels:
        raise TooManyPixelsError(
            f"The image is {width_px} × {height_px} pixels; at most {max_pixels} are accepted."
        )
    return width_px, height_px
