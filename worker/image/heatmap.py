"""Renders the saliency map, and the maps of the classes, as pictures."""

import io
import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

import codec
from worker.image.regions import ClassMaps

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
# Of the first class, the second and so on: Okabe and Ito's colours, which are distinct for all kinds of
# colour vision (Wong, Nature Methods 8, 2011). The page has the same.
CLASS_COLOURS: Final = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (204, 121, 167),
    (240, 228, 66),
    (213, 94, 0),
    (0, 114, 178),
)
# The share of a class's colour where there is much evidence for it. Where there is as much as on
# average, it is half of that.
CLASS_OPACITY: Final = 0.7
# The height of the legend's letters as a share of the picture's shorter side, and its limits.
LETTER_SHARE: Final = 1 / 24
LETTERS_PX: Final = (10, 28)
LEGEND_GROUND: Final = (0, 0, 0, 176)


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


def render_classes(
    classes: ClassMaps, names: Sequence[str], pixels: NDArray[np.uint8]
) -> tuple[bytes, str]:
    """Return the photo in grey under the maps of the named classes, as a JPEG, and its media type.

    Each class has the colour of its place in ``names``, as the legend says; those without a colour are
    left out. ``pixels`` is the photo, (H, W) or (H, W, 3).
    """
    photo = Image.fromarray(pixels)
    photo.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX), reducing_gap=2.0)
    picture = photo.convert("L").convert("RGBA")
    names = names[: len(CLASS_COLOURS)]
    if names:
        maps = classes.maps[[classes.names.index(name) for name in names]]
        levels = maps / (1 + maps)  # (k, h, w)
        mixed = np.tensordot(levels, np.array(CLASS_COLOURS[: len(names)]), (0, 0))  # -> (h, w, 3)
        colours = mixed / np.maximum(levels.sum(0), 1e-6)[..., None]
        opacity = 255 * CLASS_OPACITY * levels.max(0)
        layer = np.rint(np.dstack((colours, opacity))).astype(np.uint8)
        picture.alpha_composite(
            Image.fromarray(layer).resize(picture.size, Image.Resampling.BICUBIC)
        )
        _draw_legend(picture, names)
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, "JPEG", quality=85)
    return buffer.getvalue(), "image/jpeg"


def _draw_legend(picture: Image.Image, names: Sequence[str]) -> None:
    """Draw the names with their colours into the lower left corner, if the picture has room for them."""
    letters_px = min(max(round(min(picture.size) * LETTER_SHARE), LETTERS_PX[0]), LETTERS_PX[1])
    font = ImageFont.load_default(letters_px)
    line_px, gap_px = round(1.5 * letters_px), letters_px // 2
    width = math.ceil(max(map(font.getlength, names))) + letters_px + 3 * gap_px
    height = len(names) * line_px + gap_px
    if width > picture.width or height > picture.height:
        return
    legend = Image.new("RGBA", (width, height), LEGEND_GROUND)
    draw = ImageDraw.Draw(legend)
    for line, (name, colour) in enumerate(zip(names, CLASS_COLOURS, strict=False)):
        top = gap_px + line * line_px
        draw.rectangle((gap_px, top, gap_px + letters_px, top + letters_px), fill=colour)
        place = (letters_px + 2 * gap_px, top + letters_px / 2)
        draw.text(place, name, font=font, fill="white", anchor="lm")
    picture.alpha_composite(legend, (0, picture.height - height))


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
