"""Generated images and maps, the same on every machine."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont


def scene(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """Return smooth light, textured discs with hard edges, and grain that grows to the right.

    It is more difficult for a rate search than `tests.photos.photo`, whose edges are soft.
    """
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    picture = np.stack([120 + 90 * np.sin(2.1 * x + 3 * y + k) for k in range(3)], axis=-1)
    for _ in range(12):
        centre_y, centre_x, radius = rng.random(3) * (1, 1, 0.2)
        inside = (y - centre_y) ** 2 + (x - centre_x) ** 2 < radius**2
        texture = 25 * np.sin(x * rng.uniform(50, 400) + y * rng.uniform(50, 400))
        picture[inside] = rng.uniform(20, 230, 3) + texture[inside, None]
    grain = rng.normal(0, 1, (height, width, 3)) * (2 + 10 * x[..., None])
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


def noise(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """Return noise, which no encoder compresses well."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def text(
    height: int,
    width: int,
    ink: tuple[int, int, int] = (0, 0, 0),
    paper: tuple[int, int, int] = (255, 255, 255),
) -> NDArray[np.uint8]:
    """Return lines of letters with smooth edges."""
    picture = Image.new("RGB", (width, height), paper)
    draw = ImageDraw.Draw(picture)
    for line, top in enumerate(range(2, height, 19)):
        words = "Sphinx of black quartz, judge my vow 0123456789 " * (width // 250 + 1)
        draw.text((4, top), words[line:], fill=ink, font=ImageFont.load_default(11 + line % 5))
    return np.asarray(picture)


def sky(height: int, width: int) -> NDArray[np.uint8]:
    """Return a gradient, with hardly a coefficient except DC."""
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    return (np.stack([60 + 90 * (x + y), 120 + 40 * y, 200 - 50 * x], -1)).astype(np.uint8)


def spot(
    height: int, width: int, centre_y: float = 0.5, centre_x: float = 0.3
) -> NDArray[np.float32]:
    """Return a smooth saliency map with one maximum."""
    y, x = np.mgrid[0:height, 0:width]
    distance = (y / height - centre_y) ** 2 + (x / width - centre_x) ** 2
    return np.exp(-distance / 0.05).astype(np.float32)
