"""Where a search starts, and how strictly errors are judged: tables by the reference's quality.

Fitted on 12 photos of OSIE, halved, that the network was trained on, and six lossless ones of
1.1 megapixels, at 12 qualities and 12 levels with the default options (docs/research/avif.md).
"""

import math
from typing import Final

import numpy as np

from codec.settings import EncodeSettings

_QUALITIES: Final = (10, 20, 30, 40, 50, 60, 70, 75, 80, 85, 90, 95)
_SAME_BYTES: Final = (43.6, 37.2, 32.9, 29.7, 27.0, 24.5, 20.7, 18.3, 15.2, 11.9, 7.8, 4.0)
"""Position with the reference's bytes, of the mean photo."""
_MEAN_RATE: Final = (-1.06, -0.66, -0.42, -0.25, -0.11, 0.02, 0.2, 0.3, 0.44, 0.61, 0.85, 1.22)
"""Logarithm of the reference's bits per pixel, of the mean photo."""
_BY_RATE: Final = (14.3, 10.7, 9.6, 8.3, 7.2, 6.6, 6.5, 5.7, 4.4, 3.2, 1.5, 0.0)
"""Change of the position by that logarithm."""
_SAME_QUALITY: Final = (53.5, 49.7, 44.6, 41.4, 39.0, 36.8, 33.1, 30.8, 27.8, 23.0, 17.4, 10.0)
"""Position with errors as large as allowed."""
_LENIENCE: Final = (-0.38, -0.2, -0.16, -0.1, -0.07, -0.01, 0.04, 0.1, 0.14, 0.19, 0.33, 0.6)
_BYTES_SLOPE: Final = 0.055
"""Change of the logarithm of bytes by one level."""


def guess_position(
    settings: EncodeSettings, reference_bytes: int, limit_bytes: float, pixels: int
) -> float:
    """Return the position for a photo of `pixels` that may have `limit_bytes`."""
    rate = math.log(8 * reference_bytes / pixels)
    same_bytes = _read(_SAME_BYTES, settings) + _read(_BY_RATE, settings) * (
        rate - _read(_MEAN_RATE, settings)
    )
    shortest = same_bytes + math.log(reference_bytes / limit_bytes) / _BYTES_SLOPE
    if settings.target == "size":
        return shortest
    return max(_read(_SAME_QUALITY, settings), shortest)


def choose_lenience(settings: EncodeSettings) -> float:
    """Return the factor on allowed errors with which the salient region looks as good as the reference.

    AVIF's errors look better than those of a JPEG with as large a sum at high qualities, and worse at
    low ones. With it SSIMULACRA2 of the salient region is equal, or a little better.
    """
    return math.exp(_read(_LENIENCE, settings))


def _read(table: tuple[float, ...], settings: EncodeSettings) -> float:
    return float(np.interp(settings.quality, _QUALITIES, table))
