"""Renders the saliency map as a picture."""

import io
import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import codec

# A heatmap shows regions, not detail: more pixels would only take more bytes.
MAX_SIDE_PX: Final = 1024

# Red, green and blue at ranks 0, 1/4, 1/2, 3/4 and 1: a quarter of the area lies between each two.
# They go from cold to warm for all kinds of colour vision. None is dark, so a dark photo gets brighter.
OVERLAY_COLOURS: Final = (
    (30, 60, 200),
    (120, 60, 220),
    (220, 60, 150),
    (255, 120, 30),
    (255, 230, 40),
)
# The share of the colour in each pixel; the rest is the photo.
OPACITY: Final = 0.4
# The encoder ranks blocks of 8 × 8 pixels.
BLOCK_PX: Final = 8


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
    """Return the photo in grey under colours of the map's ranks, as a JPEG, and its media type.

    Ranks are by area, as the encoder's: those of all blocks of a constant map are 1.
    ``saliency`` is (h, w) in [0, 1]; ``pixels`` is the photo, (H, W) or (H, W, 3).
    """
    photo = Image.fromarray(pixels)
    photo.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX), reducing_gap=2.0)
    columns, rows = (-(-side // BLOCK_PX) for side in photo.size)
    ranks = codec.rank_blocks(saliency, rows, columns).ranks
    levels = Image.fromarray(np.rint(ranks * 255).astype(np.uint8))
    coloured = levels.resize(photo.size, Image.Resampling.BILINEAR)
    coloured.putpalette(_PALETTE)
    grey = photo.convert("L").convert("RGB")
    buffer = io.BytesIO()
    Image.blend(grey, coloured.convert("RGB"), OPACITY).save(buffer, "JPEG", quality=85)
    return buffer.getvalue(), "image/jpeg"


def _make_palette() -> bytes:
    """Return the colours of the 256 levels of rank, three bytes each."""
    stops = np.linspace(0, 255, len(OVERLAY_COLOURS))
    channels = [
        np.interp(np.arange(256), stops, part) for part in zip(*OVERLAY_COLOURS, strict=True)
    ]
    return np.rint(np.stack(channels, axis=1)).astype(np.uint8).tobytes()


_PALETTE: Final = _make_palette()


def _upsample(saliency: NDArray[np.float32], size_px: tuple[int, int]) -> Image.Image:
    width, height = size_px
    scale = min(1.0, MAX_SIDE_PX / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    smooth = Image.fromarray(saliency).resize(size, Image.Resampling.BICUBIC)
    return Image.fromarray(np.clip(np.asarray(smooth) * 255, 0, 255).astype(np.uint8))
