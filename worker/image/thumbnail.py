"""A tiny blurred picture of a photo, to show while it loads: a ThumbHash (evanw.github.io/thumbhash)."""

import base64
from typing import Final

import numpy as np
import thash
from numpy.typing import NDArray
from PIL import Image

from contract.messages import Box

# ThumbHash's limit for the longer side. Small photos are enlarged to it, as waves of fewer pixels than
# they need are wrong.
LONG_SIDE_PX: Final = 100
# It knows no shape beyond 7:1.
LEAST_SIDE_PX: Final = 14


def hash_thumbnail(
    pixels: NDArray[np.uint8], size_px: tuple[int, int], part: Box | None = None
) -> str:
    """Return the ThumbHash of a photo, or of a part of it, in base64.

    Args:
        pixels: a smaller or distorted picture of the whole photo, (h, w, 3) RGB.
        size_px: (width, height) of the photo, or of the part.
        part: None for the whole photo.
    """
    height, width, _ = pixels.shape
    scale = LONG_SIDE_PX / max(size_px)
    across, down = (max(LEAST_SIDE_PX, round(side * scale)) for side in size_px)
    edges = None
    if part is not None:
        right, bottom = part["x"] + part["width"], part["y"] + part["height"]
        # Shares are rounded.
        edges = (
            part["x"] * width,
            part["y"] * height,
            min(right, 1.0) * width,
            min(bottom, 1.0) * height,
        )
    picture = Image.fromarray(pixels)
    small = picture.resize((across, down), Image.Resampling.BOX, edges, reducing_gap=1.0)
    return base64.b64encode(bytes(thash.encode(small, resize=False))).decode()
