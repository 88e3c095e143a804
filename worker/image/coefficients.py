"""A JPEG's coefficients, where they show the same picture as its pixels."""

import logging

import numpy as np
from numpy.typing import NDArray

import codec

log = logging.getLogger(__name__)


def read_upright(data: bytes, orientation: int, pixels: NDArray[np.uint8]) -> codec.Source | None:
    """Return a JPEG's coefficients, made upright by its EXIF ``orientation``, 1 to 8.

    Return None if they can't be read, or don't have the shape of ``pixels``, the decoded photo. The
    photo is then encoded from its pixels.
    """
    try:
        source = codec.apply_orientation(codec.read_source(data), orientation)
    except codec.UnreadableSourceError as error:
        log.debug("encoding pixels: %s", error)
        return None
    shape = (source.height, source.width)
    fits = pixels.shape == (shape if len(source.qcoefs) == 1 else (*shape, 3))
    return source if fits else None
