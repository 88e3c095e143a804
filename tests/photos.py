"""Small generated photos, as pixels and as files."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.heic_files import heic_of


def photo(width_px: int = 160, height_px: int = 120, seed: int = 0) -> NDArray[np.uint8]:
    """Return a gradient with soft discs and some noise, so that bits can be moved: (h, w, 3)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height_px, 0:width_px].astype(np.float32)
    image = np.stack([x / width_px, y / height_px, 1 - x / width_px], axis=-1) * 160 + 40
    for _ in range(6):
        centre_x, centre_y = rng.uniform(0, width_px), rng.uniform(0, height_px)
        radius = rng.uniform(0.08, 0.3) * min(width_px, height_px)
        distance = np.hypot(x - centre_x, y - centre_y)
        disc = (0.5 - 0.5 * np.tanh((distance - radius) / 3))[..., None]
        image = image * (1 - disc) + rng.uniform(0, 255, 3) * disc
    image += rng.normal(0, 6, image.shape)
    return np.clip(image, 0, 255).astype(np.uint8)


def file_of(
    image: NDArray[np.uint8] | Image.Image, format_name: str = "PNG", **options: Any
) -> bytes:
    """Return a file of ``image``."""
    if format_name == "HEIC":
        return heic_of(np.asarray(image, np.uint8), **options)
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    buffer = io.BytesIO()
    picture.save(buffer, format_name, **options)
    return buffer.getvalue()


def standard_jpeg(image: NDArray[np.uint8], quality: int) -> bytes:
    """Return the reference: Pillow's JPEG of this quality, with 4:2:0."""
    return file_of(image, "JPEG", quality=quality, subsampling="4:2:0")


def psnr(first: NDArray[np.generic], second: NDArray[np.generic]) -> float:
    """Return the peak signal-to-noise ratio of 8-bit samples in dB."""
    error = np.mean((first.astype(np.float64) - second) ** 2)
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))
