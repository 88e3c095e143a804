"""From a photo to its JPEG: the request's options as settings, a refusal as the client's error."""

import logging

import numpy as np
from numpy.typing import NDArray

import codec
from contract.errors import MaxBytesError
from contract.messages import Options

log = logging.getLogger(__name__)


def read_upright(data: bytes, orientation: int, pixels: NDArray[np.uint8]) -> codec.Source | None:
    """Return a JPEG's own coefficients, turned as EXIF's ``orientation``, 1 to 8, asks for.

    None where they can't be had, or are not those of ``pixels``, its decoded photo: the photo is
    then encoded from its pixels.
    """
    try:
        source = codec.turn(codec.read_source(data), orientation)
    except codec.UnreadableSourceError as error:
        log.debug("encoding pixels: %s", error)
        return None
    shape = (source.height, source.width)
    fits = pixels.shape == (shape if len(source.qcoefs) == 1 else (*shape, 3))
    return source if fits else None


def encode(
    pixels: NDArray[np.uint8],
    saliency: NDArray[np.float32],
    options: Options,
    source: codec.Source | None = None,
) -> codec.Encoded:
    """Return a photo's JPEG as ``options`` ask for it.

    ``pixels`` is (h, w) or (h, w, 3); ``saliency`` is (h', w') in [0, 1]; ``source``, where there is
    one, has the coefficients that ``pixels`` were decoded from.

    Raises:
        MaxBytesError: when no JPEG of this photo has as few bytes as asked for.
    """
    settings = codec.EncodeSettings(
        quality=options.quality,
        target=options.target,
        max_bytes=options.max_bytes,
        strength=options.strength,
        floor=options.floor,
        subsampling=options.subsampling,
        progressive=options.progressive,
    )
    try:
        if source is not None:
            return codec.transcode(source, pixels, saliency, settings)
        return codec.encode(pixels, saliency, settings)
    except codec.OutOfReachError as error:
        raise MaxBytesError(
            f"max_bytes is {error.max_bytes}; the smallest JPEG of this photo has "
            f"{error.smallest_bytes} bytes."
        ) from error
