"""What an upload is, from its header alone: nothing is decoded here."""

import warnings
from dataclasses import dataclass

from PIL import Image, UnidentifiedImageError

from contract.errors import CorruptImageError, TooManyPixelsError, UnsupportedImageError
from contract.images import IMAGE_FORMATS, MAX_SIDE_PX, ImageFile

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

# What a JPEG may have before its scan to be read while the event loop waits.
QUICK_BYTES = 16 * 1024
QUICK_SEGMENTS = 64
SOS = 0xDA  # ITU-T T.81, table B.1: start of scan


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
    try:
        with Image.open(ImageFile(data), formats=IMAGE_FORMATS) as image:
            width_px, height_px = image.size
            name = image.format or ""
    except UnidentifiedImageError as error:
        if data[4:8] == b"ftyp" and data[8:12] in HEIC_BRANDS:
            raise UnsupportedImageError(
                "This is a HEIC photo, which is not read here; save or export it as a JPEG."
            ) from error
        raise UnsupportedImageError(
            "The content is no JPEG, PNG, WebP, AVIF, GIF, BMP or TIFF."
        ) from error
    except Exception as error:  # readers raise whatever their parsing stumbles over
        raise CorruptImageError("The image's header is damaged.") from error
    if width_px < 1 or height_px < 1:
        raise CorruptImageError("The image has no pixels.")
    if max(width_px, height_px) > MAX_SIDE_PX:
        raise TooManyPixelsError(
            f"The image is {width_px} × {height_px} pixels; a JPEG's side has at most "
            f"{MAX_SIDE_PX}."
        )
    if width_px * height_px > max_pixels:
        raise TooManyPixelsError(
            f"The image is {width_px} × {height_px} pixels; at most {max_pixels} are accepted."
        )
    return Probed(name, width_px, height_px)


def is_quick(data: bytes) -> bool:
    """Return whether `probe` of ``data`` ends soon, whoever made it.

    So it is with a JPEG of an ordinary header; that of any other may be made to take long.
    """
    if not data.startswith(b"\xff\xd8"):
        return False
    position = 2
    for _ in range(QUICK_SEGMENTS):
        head = data[position : position + 4]
        if len(head) < 4 or head[0] != 0xFF or position > QUICK_BYTES:
            return False
        if head[1] == SOS:
            return True
        position += 2 + max(2, int.from_bytes(head[2:]))
    return False
