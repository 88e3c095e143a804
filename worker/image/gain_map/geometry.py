"""Turns, crops and scales a gain map as its photo was."""

from PIL import Image

from worker.image.metadata.geometry import Geometry
from worker.image.resize import REDUCING_GAP, TURNS, turn_size

# The part of a photo that is kept: left, top, right and bottom in pixels of the upright photo.
Window = tuple[float, float, float, float]


def is_only_turned(geometry: Geometry, window: Window | None) -> bool:
    """Return whether the finished photo has all pixels of the stored one."""
    upright_px = turn_size(geometry.stored_px, geometry.orientation)
    return window is None and geometry.finished_px == upright_px


def fit_gain_map(
    image: Image.Image, geometry: Geometry, window: Window | None = None
) -> Image.Image:
    """Return a stored gain map as that of the finished photo, which shows ``window``, by default all.

    It stays as much smaller than the photo as it is. It is the same object if nothing changes.
    """
    if geometry.orientation != 1:
        image = image.transpose(TURNS[geometry.orientation])
    if is_only_turned(geometry, window):
        return image
    upright_px = turn_size(geometry.stored_px, geometry.orientation)
    across, down = (own / whole for own, whole in zip(image.size, upright_px, strict=True))
    left, top, right, bottom = window or (0.0, 0.0, *upright_px)
    # Rounding must not lead outside.
    right, bottom = min(right * across, image.width), min(bottom * down, image.height)
    width, height = geometry.finished_px
    size_px = max(1, round(width * across)), max(1, round(height * down))
    box = (left * across, top * down, right, bottom)
    return image.resize(size_px, Image.Resampling.LANCZOS, box, REDUCING_GAP)
