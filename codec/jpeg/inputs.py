"""Checks of an encode's arrays: the image and the saliency map."""

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.saliency_weights import is_flat
from codec.settings import EncodeSettings

MAX_SIDE_PX: Final = 65500
"""Largest width and height that libjpeg writes and reads; SOF could state 35 more (T.81 B.2.2)."""


def check_image(image: NDArray[np.uint8]) -> None:
    """Check that `image` is (h, w) or (h, w, 3) uint8 with sides that a JPEG can have.

    Raises:
        ValueError: it is not.
    """
    if image.dtype != np.uint8:
        raise ValueError(f"image must be uint8, not {image.dtype}")
    if image.ndim != 2 and not (image.ndim == 3 and image.shape[2] == 3):
        raise ValueError(f"image must have shape (h, w) or (h, w, 3), not {image.shape}")
    if not all(1 <= side <= MAX_SIDE_PX for side in image.shape[:2]):
        raise ValueError(f"image sides must lie in 1..{MAX_SIDE_PX}, not {image.shape[:2]}")


def check_saliency(saliency: NDArray[np.float32]) -> None:
    """Check that `saliency` is (h, w) float32 in [0, 1].

    Raises:
        ValueError: it is not.
    """
    if saliency.dtype != np.float32:
        raise ValueError(f"saliency must be float32, not {saliency.dtype}")
    if saliency.ndim != 2 or saliency.size == 0:
        raise ValueError(f"saliency must have shape (h, w), not {saliency.shape}")
    # A NaN fails this comparison too.
    if not (saliency.min() >= 0.0 and saliency.max() <= 1.0):
        raise ValueError("saliency must lie in [0, 1]")


def drop_flat_map(
    saliency: NDArray[np.float32] | None, settings: EncodeSettings
) -> tuple[NDArray[np.float32] | None, EncodeSettings]:
    """Return the arguments, or no map and strength 0 where the map is missing or constant.

    Strength acts without a map, too: it selects the tuning above its default, and the step at which
    a search with `target="quality"` starts.

    Raises:
        ValueError: the map's type, shape or range is wrong.
    """
    if saliency is not None:
        check_saliency(saliency)
        if not is_flat(saliency):
            return saliency, settings
    return None, replace(settings, strength=0.0)
