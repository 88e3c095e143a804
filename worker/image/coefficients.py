"""A JPEG's coefficients, where they show the same picture as its pixels."""

import logging

import codec

log = logging.getLogger(__name__)


def read_upright(data: bytes, orientation: int, size_px: tuple[int, int]) -> codec.Source | None:
    """Return a JPEG's coefficients, made upright by its EXIF ``orientation``, 1 to 8.

    Return None if they can't be read, or don't have ``size_px``, the upright photo's (width, height).
    The photo is then encoded from its pixels.
    """
    try:
        source = codec.apply_orientation(codec.read_source(data), orientation)
    except codec.UnreadableSourceError as error:
        log.debug("encoding pixels: %s", error)
        return None
    return source if (source.width, source.height) == size_px else None
