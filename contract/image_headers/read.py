"""Recognises an image's format by its content, and reads its size with that format's reader."""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from contract.errors import CorruptImageError, TooManyPixelsError, UnsupportedImageError
from contract.image_headers import avif, bmp, gif, heic, jpeg, png, tiff, webp
from contract.image_headers.steps import MAX_STEPS, Steps
from contract.images import MAX_SIDE_PX, NOT_AN_IMAGE

Reader = Callable[[bytes, Steps], tuple[int, int]]

READERS: Final[dict[str, Reader]] = {
    "JPEG": jpeg.read_size,
    "PNG": png.read_size,
    "WEBP": webp.read_size,
    "GIF": gif.read_size,
    "BMP": bmp.read_size,
    "TIFF": tiff.read_size,
    "AVIF": avif.read_size,
    "HEIC": heic.read_size,
}


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """An image's format, one of ``IMAGE_FORMATS``, and its size before any rotation."""

    format: str
    width_px: int
    height_px: int


def read_header(data: bytes, max_steps: int = MAX_STEPS) -> ImageHeader:
    """Return format and size of the image in ``data``.

    Nothing but the header is read: what follows, or what isn't needed, may be damaged.

    Raises:
        UnsupportedImageError: when ``data`` is not an image of a supported format.
        CorruptImageError: when the header is damaged.
        TooManyStepsError: when the header takes more than ``max_steps``.
    """
    steps = Steps(max_steps)
    try:
        name = detect_format(data, steps)
        width_px, height_px = READERS[name](data, steps)
    except (struct.error, CorruptImageError) as error:
        raise CorruptImageError("The image's header is damaged.") from error
    if width_px < 1 or height_px < 1:
        raise CorruptImageError("The image has no pixels.")
    return ImageHeader(name, width_px, height_px)


def detect_format(data: bytes, steps: Steps) -> str:
    """Return the format, one of ``IMAGE_FORMATS``, by the first bytes.

    Raises:
        UnsupportedImageError: when ``data`` is something else.
    """
    for name, magic in (
        ("JPEG", jpeg.MAGIC),
        ("PNG", png.MAGIC),
        ("GIF", gif.MAGIC),
        ("TIFF", tiff.MAGIC),
        ("BMP", bmp.MAGIC),
    ):
        if data.startswith(magic):
            return name
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP" and data[12:16] in webp.KINDS:
        return "WEBP"
    brands = avif.read_brands(data, steps)
    if brands and brands[0] in heic.BRANDS:
        return "HEIC"
    # Of the low-overhead form any codec is named there, too.
    if not avif.BRANDS.isdisjoint(brands) and brands[0] != heic.LOW_OVERHEAD:
        return "AVIF"
    # HEIF files of any codec: its reader names those that are not supported.
    if not (heic.BRANDS | heic.SHARED_BRANDS).isdisjoint(brands):
        return "HEIC"
    raise UnsupportedImageError(NOT_AN_IMAGE)


def check_size(header: ImageHeader, max_pixels: int) -> None:
    """Check that an image isn't too large.

    Raises:
        TooManyPixelsError: when the image has more than ``max_pixels``, or a side over 65,500.
    """
    width_px, height_px = header.width_px, header.height_px
    if max(width_px, height_px) > MAX_SIDE_PX:
        raise TooManyPixelsError(
            f"The image is {width_px} × {height_px} pixels; each side may have at most "
            f"{MAX_SIDE_PX}."
        )
    if width_px * height_px > max_pixels:
        raise TooManyPixelsError(
            f"The image is {width_px} × {height_px} pixels; at most {max_pixels} are accepted."
        )
