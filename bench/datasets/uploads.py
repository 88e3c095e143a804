"""Uploads of the load benchmarks: photos of a folder, or generated ones."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

import numpy as np
from PIL import Image, ImageDraw

UploadFormat = Literal["jpeg", "stored"]

SUFFIXES: Final = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}
# Similar to cameras and phones. The cost of decoding hardly depends on it.
UPLOAD_QUALITY: Final = 92
GENERATED_PHOTOS: Final = 8


def load_photos(folder: Path, upload: UploadFormat) -> tuple[list[bytes], str]:
    """Return the uploads and their description.

    Args:
        folder: folder of photos; if it has none, pictures of 768×512 are generated.
        upload: "jpeg" converts each to a JPEG of quality 92; "stored" returns the files unchanged.
    """
    paths = list_uploads(folder)
    if not paths:
        photos = [to_jpeg(generate_photo(768, 512, seed)) for seed in range(GENERATED_PHOTOS)]
        return (
            photos,
            f"{GENERATED_PHOTOS} generated pictures, 768×512, JPEG quality {UPLOAD_QUALITY}",
        )
    if upload == "stored":
        return [path.read_bytes() for path in paths], f"{len(paths)} files of {folder.name}/"
    photos = []
    for path in paths:
        with Image.open(path) as image:
            photos.append(to_jpeg(image.convert("RGB")))
    return photos, f"{len(paths)} photos of {folder.name}/, sent as JPEG quality {UPLOAD_QUALITY}"


def list_uploads(folder: Path) -> list[Path]:
    """Return the photos directly inside a folder, sorted; an empty list if it does not exist."""
    return sorted(path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES)


def tile_photos(
    paths: Sequence[Path], width_px: int, height_px: int, first: int = 0
) -> Image.Image:
    """Return a picture filled with photos as tiles, row by row, repeated as needed.

    Tiles at the edges are cut. A row is as high as its lowest tile; the next row covers the rest.

    Args:
        paths: at least one photo.
        width_px: width of the picture.
        height_px: height of the picture.
        first: number of the photo at the top left.
    """
    picture = Image.new("RGB", (width_px, height_px))
    number, top_px = first, 0
    while top_px < height_px:
        left_px, row_px = 0, height_px
        while left_px < width_px:
            with Image.open(paths[number % len(paths)]) as tile:
                picture.paste(tile.convert("RGB"), (left_px, top_px))
                left_px += tile.width
                row_px = min(row_px, tile.height)
            number += 1
        top_px += row_px
    return picture


def to_jpeg(image: Image.Image) -> bytes:
    """Return a picture as a JPEG file, 4:2:0."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=UPLOAD_QUALITY)
    return buffer.getvalue()


def generate_photo(width_px: int, height_px: int, seed: int) -> Image.Image:
    """Return a picture with the spectrum of a photo (about 1/f) and some hard edges."""
    random = np.random.default_rng(seed)
    picture = Image.new("RGB", (width_px, height_px), (128, 128, 128))
    cell_px = max(width_px, height_px)
    while cell_px >= 2:
        cells = (height_px // cell_px + 2, width_px // cell_px + 2, 3)
        noise = Image.fromarray(random.integers(0, 256, cells, dtype=np.uint8))
        # Equal shares give all octaves equal energy. The finest get less: lenses and sensors blur.
        share = 0.35 if cell_px > 8 else 0.12
        scaled = noise.resize((width_px, height_px), Image.Resampling.BICUBIC)
        picture = Image.blend(picture, scaled, share)
        cell_px //= 2
    draw = ImageDraw.Draw(picture)
    for _ in range(6):
        x, y = random.integers(0, width_px), random.integers(0, height_px)
        radius = int(random.integers(1, 4)) * min(width_px, height_px) // 24
        red, green, blue = (int(level) for level in random.integers(0, 256, 3))
        box = (int(x) - radius, int(y) - radius, int(x) + radius, int(y) + radius)
        draw.ellipse(box, fill=(red, green, blue))
    return picture
