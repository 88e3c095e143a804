"""The position at which a search starts, from the reference's quality and bytes.

Fitted by `python -m bench avif` on photos of OSIE that the network was trained on and on lossless photos.
"""

from typing import Final

import numpy as np

from codec.settings import EncodeSettings

_QUALITIES: Final = (10, 30, 50, 65, 75, 85, 95)
_SIZE: Final = (50.0, 40.0, 34.0, 30.0, 27.0, 20.0, 10.0)
_QUALITY: Final = (56.0, 46.0, 40.0, 35.0, 31.0, 24.0, 12.0)


def guess_position(settings: EncodeSettings, reference_bytes: int, pixels: int) -> float:
    """Return the position for a photo of `pixels` whose reference has `reference_bytes`."""
    positions = _SIZE if settings.target == "size" else _QUALITY
    return float(np.interp(settings.quality, _QUALITIES, positions))
