"""Synthetic photos for the page: a portrait in a landscape, and a still life."""

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFilter


def portrait(width_px: int = 960, height_px: int = 640, seed: int = 0) -> Image.Image:
    """Return a picture of a person before an evening sky, hills and a meadow."""
    scale = 2  # drawn larger and reduced, so that edges are smooth
    size = (width_px * scale, height_px * scale)
    picture = Image.new("RGB", size)
    draw = ImageDraw.Draw(picture)
    rng = np.random.default_rng(seed)
    width, height = size
    for y in range(height):
        share = y / height
        draw.line(
            [(0, y), (width, y)],
            fill=(int(70 + 175 * share), int(120 + 75 * share), int(190 - 40 * share)),
        )
    sun_x = width * (0.72 + 0.1 * rng.random())
    radius = height * 0.07
    draw.ellipse(
        [sun_x - radius, height * 0.3 - radius, sun_x + radius, height * 0.3 + radius],
        fill=(255, 236, 190),
    )
    for layer, colour in enumerate([(98, 112, 150), (70, 96, 112), (52, 84, 72)]):
        base = height * (0.5 + 0.11 * layer)
        phase, bumps = rng.uniform(0, 6), 2 + layer
        ridge = [
            (x, base - height * 0.07 * np.sin(phase + bumps * 6.28 * x / width))
            for x in range(0, width + 8, 8)
        ]
        draw.polygon([(0, height), *ridge, (width, height)], fill=colour)
    for _ in range(int(width * height / 1500)):
        x, y = rng.uniform(0, width), height * (0.76 + 0.24 * rng.random())
        length = height * 0.02 * rng.uniform(0.5, 1.5)
        shade = int(rng.integers(-25, 45))
        draw.line(
            [(x, y), (x + rng.uniform(-6, 6), y - length)],
            fill=(70 + shade, 120 + shade, 62 + shade),
            width=2,
        )
    draw_person(draw, width * (0.3 + 0.08 * rng.random()), height, rng)
    picture = picture.resize((width_px, height_px), Image.Resampling.LANCZOS)
    grain = rng.normal(0, 3.5, (height_px, width_px, 1))
    noisy = np.asarray(picture, np.float32) + grain
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def draw_person(
    draw: ImageDraw.ImageDraw, x: float, height: float, rng: np.random.Generator
) -> None:
    """Draw head and shoulders, with the centre of the face at ``x``."""
    unit = height * 0.012
    hair = tuple(int(c) for c in rng.integers(30, 80, 3))
    coat = [(178, 58, 52), (54, 88, 150), (196, 140, 46)][int(rng.integers(0, 3))]

    def oval(dx: float, dy: float, rx: float, ry: float, fill: tuple[int, ...]) -> None:
        centre_x, centre_y = x + dx * unit, height * 0.44 + dy * unit
        draw.ellipse(
            [
                centre_x - rx * unit,
                centre_y - ry * unit,
                centre_x + rx * unit,
                centre_y + ry * unit,
            ],
            fill=fill,
        )

    oval(0, 46, 25, 28, coat)
    oval(0, 20, 5.5, 9, (206, 152, 122))
    oval(0, -3, 14.5, 17, hair)
    oval(0, 0, 11.5, 14.5, (226, 176, 146))
    oval(0, -12, 11, 6, hair)
    for side in (-1, 1):
        oval(side * 4.5, -1.5, 2.2, 1.3, (250, 250, 250))
        oval(side * 4.5, -1.5, 1.1, 1.2, (60, 84, 96))
        oval(side * 4.5, -1.5, 0.5, 0.6, (10, 10, 10))
        oval(side * 4.5, -4.4, 2.6, 0.6, hair)
        oval(side * 6.5, 4, 2.4, 1.6, (226, 152, 130))
    oval(0, 2.6, 1.3, 2.2, (206, 150, 122))
    oval(0, 8, 4, 1.5, (176, 74, 72))
    oval(0, 7.2, 3.6, 0.7, (226, 176, 146))


def still_life(width_px: int = 640, height_px: int = 800) -> Image.Image:
    """Return an upright picture of fruit on a table."""
    rng = np.random.default_rng(5)
    y = np.linspace(0, 1, height_px, dtype=np.float32)[:, None, None]
    wall = np.array([206, 198, 186]) * (1 - 0.25 * y) + np.zeros((1, width_px, 1), np.float32)
    picture = Image.fromarray(np.clip(wall, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    draw.rectangle([0, height_px * 0.68, width_px, height_px], fill=(120, 84, 58))
    for x, top, size, colour in [
        (0.34, 0.5, 0.2, (196, 52, 44)),
        (0.62, 0.54, 0.17, (228, 158, 42)),
        (0.5, 0.62, 0.15, (120, 158, 58)),
    ]:
        left, upper, side = (x - size / 2) * width_px, top * height_px, size * width_px * 1.3
        for step in range(24):
            light = tuple(min(255, int(c + step * 4)) for c in colour)
            inset = side * step / 60
            box = [left + inset * 0.7, upper + inset * 0.6, left + side - inset * 1.3]
            draw.ellipse([*box, upper + side - inset * 1.4], fill=light)
    picture = picture.filter(ImageFilter.GaussianBlur(0.8))
    noisy = np.asarray(picture, np.float32) + rng.normal(0, 4, (height_px, width_px, 1))
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def to_jpeg(picture: Image.Image, quality: int = 95) -> bytes:
    """Return ``picture`` as a JPEG of high quality without chroma subsampling."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality, subsampling=0)
    return buffer.getvalue()
