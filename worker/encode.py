"""A request's options as the encoder's settings, and its refusal as the client's error."""

import numpy as np
from numpy.typing import NDArray

import codec
from contract.errors import MaxBytesError
from contract.messages import Options


def encode(
    pixels: NDArray[np.uint8], saliency: NDArray[np.float32], options: Options
) -> codec.Encoded:
    """Return a photo's JPEG as ``options`` ask for it.

    ``pixels`` is (h, w) or (h, w, 3); ``saliency`` is (h', w') in [0, 1].

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
        return codec.encode(pixels, saliency, settings)
    except codec.OutOfReachError as error:
        raise MaxBytesError(
            f"max_bytes is {error.max_bytes}; the smallest JPEG of this photo has "
            f"{error.smallest_bytes} bytes."
        ) from error
