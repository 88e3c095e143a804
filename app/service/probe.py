"""Reads the format and size of an upload from its header; decodes nothing."""

import asyncio
from typing import Final

from contract.errors import CorruptImageError, UnsupportedImageError
from contract.image_headers.read import ImageHeader, check_size, read_header
from contract.image_headers.steps import TooManyStepsError
from contract.images import HEIC_IS_OFF

# So many steps take about a millisecond at most, and are enough for almost every photo.
QUICK_STEPS: Final = 300


async def probe(data: bytes, max_pixels: int, *, heic: bool = True) -> ImageHeader:
    """Return format and size of the image in ``data``; read a long header in a thread.

    Without ``heic`` that format is not supported.

    Raises:
        UnsupportedImageError: when ``data`` is not an image of a supported format.
        TooManyPixelsError: when the image has more than ``max_pixels``, or a side over 65,500.
        CorruptImageError: when the image's header is damaged, or has far more pieces than others.
    """
    try:
        try:
            header = read_header(data, QUICK_STEPS)
        except TooManyStepsError:
            header = await asyncio.to_thread(read_header, data)
    except TooManyStepsError as error:
        raise CorruptImageError("The image's header has too many pieces.") from error
    if header.format == "HEIC" and not heic:
        raise UnsupportedImageError(HEIC_IS_OFF)
    check_size(header, max_pixels)
    return header
