"""Synthetic pictures for the network."""

import numpy as np
from PIL import Image


def disc(width: int, height: int, centre: tuple[float, float] = (0.5, 0.5)) -> Image.Image:
    """Return an orange disc on blue, its place and size relative to the picture."""
    y, x = np.mgrid[:height, :width]
    inside = np.hypot((x + 0.5) / width - centre[0], (y + 0.5) / height - centre[1]) < 0.2
    pixels = np.where(inside[..., None], (240, 140, 20), (30, 60, 150))
    return Image.fromarray(pixels.astype(np.uint8))


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    """Return uniform noise."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(pixels)
