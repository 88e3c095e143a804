"""Renders the saliency map as a picture."""

import io
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import codec

# A heatmap shows regions, not detail: more pixels would only take more bytes.
MAX_SIDE_PX = 1024

# Black, violet, orange, yellow-white: lightness rises, so greyscale prints are readable too.
COLOUR_STOPS = np.array(
    [[0, 0, 4], [66, 10, 104], [147, 38, 103], [221, 81, 58], [252, 165, 10], [252, 255, 164]],
    dtype=np.float32,
)


def render_map(saliency: NDArray[np.float32], size_px: tuple[int, int]) -> tuple[bytes, str]:
    """Return the map as an 8-bit greyscale PNG and its media type.

    ``saliency`` is (h, w) in [0, 1]; ``size_px`` is the photo's (width, height).
    """
    buffer = io.BytesIO()
    _upsample(saliency, size_px).save(buffer, "PNG")
    return buffer.getvalue(), "image/png"


def render_photo(source: codec.Source) -> NDArray[np.uint8]:
    """Return the picture of a JPEG's coefficients, (H, W) or (H, W, 3), as large as `render_overlay` needs it."""
    scale = min(1.0, MAX_SIDE_PX / max(source.width, source.height))
    size_px = (math.ceil(source.width * scale), math.ceil(source.height * scale))
    return codec.render_preview(source, size_px)


def render_overlay(saliency: NDArray[np.float32], pixels: NDArray[np.uint8]) -> tuple[bytes, str]:
    """Return the photo blended with the coloured map as a JPEG, and its media type.

    ``saliency`` is (h, w) in [0, 1]; ``pixels`` is the photo, (H, W) or (H, W, 3).
    """
    photo = Image.fromarray(pixels)
    photo.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX), reducing_gap=2.0)
    photo = photo.convert("L").convert("RGB")
    level = _upsample(saliency, photo.size)
    palette = np.stack(
        [
            np.interp(np.arange(256), np.linspace(0, 255, len(COLOUR_STOPS)), stop)
            for stop in COLOUR_STOPS.T
        ],
        axis=1,
    )
    coloured = Image.fromarray(palette.astype(np.uint8)[np.asarray(level)])
    buffer = io.BytesIO()
    Image.blend(photo, coloured, 0.55).save(buffer, "JPEG", quality=85)
    return buffer.getvalue(), "image/jpeg"


def _upsample(saliency: NDArray[np.float32], size_px: tuple[int, int]) -> Image.Image:
    width, height = size_px
    scale = min(1.0, MAX_SIDE_PX / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    smooth = Image.fromarray(saliency).resize(size, Image.Resampling.BICUBIC)
    return Image.fromarray(np.clip(np.asarray(smooth) * 255, 0, 255).astype(np.uint8))
