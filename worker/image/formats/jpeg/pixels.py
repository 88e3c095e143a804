"""Pixels of a JPEG, decoded by Pillow's libjpeg-turbo."""

import io

from PIL import Image, ImageChops

from contract.image_headers.jpeg import LOSSLESS
from worker.image.formats.jpeg.segments import find_frame
from worker.image.resize import NO_BOUNDS, Bounds, draft


def decode(jpeg: bytes, bounds: Bounds = NO_BOUNDS) -> Image.Image:
    """Return the picture in mode "L", "RGB" or "CMYK", scaled down if that is enough for ``bounds``.

    Raises:
        Exception: of many kinds, when the header is damaged or the data ends early.
    """
    image = Image.open(io.BytesIO(jpeg), formats=["JPEG"])
    # Pillow can't scale lossless JPEGs, which have no coefficients.
    if bounds[:2] != (None, None) and find_frame(jpeg) != LOSSLESS:
        draft(image, bounds)
    # All at once: libjpeg can't wait for further bytes of an arithmetic-coded file.
    image.decodermaxblock = len(jpeg)
    image.load()
    return image


def are_equal(first: bytes, second: bytes) -> bool:
    """Return whether two JPEGs show the same pixels."""
    difference = ImageChops.difference(decode(first), decode(second))
    return difference.getbbox(alpha_only=False) is None
