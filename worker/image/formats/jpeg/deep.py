"""Samples of a JPEG of more or fewer than 8 bits, decoded by libjpeg-turbo in imagecodecs."""

from typing import Any, Final

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from contract.errors import CorruptImageError
from worker.image.formats.jpeg.completion import find_end_of_scans
from worker.image.samples import ColourModel, Samples

FULL: Final = 0xFFFF
MODELS: Final[dict[int, ColourModel]] = {1: "grey", 3: "rgb", 4: "cmyk"}


def decode_deep(jpeg: bytes, precision: int, profile: bytes | None) -> Samples:
    """Return the samples of a JPEG of ``precision`` bits, YCbCr as RGB; CMYK is inverted, as Adobe has it.

    Raises:
        CorruptImageError: when the data ends early: the decoder would show the rest in grey.
        Exception: of many kinds, when the data is damaged.
    """
    if find_end_of_scans(jpeg) is not None:
        raise CorruptImageError("The image's data is truncated.")
    values: NDArray[Any] = imagecodecs.jpeg8_decode(jpeg)
    values = values.reshape(*values.shape[:2], -1)
    # Rounded, in integers; `precision` bits have 2**precision - 1 for full intensity.
    white = (1 << precision) - 1
    scaled = np.empty(values.shape, np.uint16)
    for row, stored in zip(scaled, values, strict=True):
        row[...] = (stored.astype(np.uint32) * FULL + white // 2) // white
    model = MODELS[values.shape[2]]
    if model == "cmyk":
        np.invert(scaled, out=scaled)
    return Samples(scaled, model, profile=profile)
