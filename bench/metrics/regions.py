"""The salient region of a photo, and composites that keep the original outside it."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from bench.metrics import Picture

# Share of the area. Encoders get the map, not this region.
SALIENT_SHARE: Final = 0.25
# Sigma of the soft edge as a share of the diagonal: 9 pixels on 768×512. SSIMULACRA2 and
# butteraugli would count a hard edge as an error.
EDGE_SIGMA: Final = 0.01


def salient_region(saliency: NDArray[Any]) -> NDArray[np.bool_]:
    """Return the quarter of the pixels with the highest values; of equal pixels, the first ones."""
    order = np.argsort(-saliency, axis=None, kind="stable")
    region = np.zeros(saliency.size, bool)
    region[order[: int(saliency.size * SALIENT_SHARE)]] = True
    return region.reshape(saliency.shape)


def scale_map(saliency: NDArray[np.float32], shape: Sequence[int]) -> NDArray[np.float32]:
    """Return the map at the photo's size, scaled bicubically."""
    height, width = shape
    scaled = Image.fromarray(saliency).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(scaled)


def soften(region: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the region with a soft edge: 1 inside, 0 outside, half on its border."""
    radius_px = EDGE_SIGMA * float(np.hypot(*region.shape))
    blurred = Image.fromarray(np.uint8(region * 255)).filter(ImageFilter.GaussianBlur(radius_px))
    return np.asarray(blurred) / 255


def keep_elsewhere(original: Picture, decoded: Picture, inside: NDArray[np.float64]) -> Picture:
    """Return `decoded` where `inside` is 1 and `original` where it is 0: (h, w, 3) uint8."""
    mixed = original + inside[..., None] * (decoded.astype(np.float64) - original)
    return np.rint(mixed).astype(np.uint8)
