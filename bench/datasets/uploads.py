"""The photos that the load sends: a folder's, or generated ones."""

import io
from pathlib import Path
from typing import Final, Literal

import numpy as np
from PIL import Image, ImageDraw

UploadFormat = Literal["jpeg", "stored"]

SUFFIXES: Final = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}
# What cameras and phones write; the service's cost of decoding depends on it little.
UPLOAD_QUALITY: Final = 92
GENERATED: Final = 8


def load_photos(folder: Path, upload: UploadFormat) -> tuple[list[bytes], str]:
    """Return the uploads and one sentence that says what they are.

    Args:
        folder: its images are read; generated ones of 768×512 take their place without it.
        upload: "jpeg" sends each as a JPEG of quality 92, as users do; "stored" as it lies there.
    """
    paths = sorted(p for p in folder.glob("*") if p.suffix.lower() in SUFFIXES)
    if not paths:
        photos = [to_jpeg(generate_photo(768, 512, seed)) for seed in range(GENERATED)]
        return photos, f"{GENERATED} generated pictures, 768×512, JPEG quality {UPLOAD_QUALITY}"
    if upload == "stored":
        return [path.read_bytes() for path in paths], f"{len(paths)} files of {folder.name}/"
    photos = []
    for path in paths:
        with Image.open(path) as image:
            photos.append(to_jpeg(image.convert("RGB")))
    return photos, f"{len(paths)} photos of {folder.name}/, sent as JPEG quality {UPLOAD_QUALITY}"


def to_jpeg(image: Image.Image) -> bytes:
    """Return a picture as a JPEG file, 4:2:0."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=UPLOAD_QUALITY)
    return buffer.getvalue()


def generate_photo(width_px: int, height_px: int, seed: int) -> Image.Image:
    """Return a picture whose spectrum falls like a photo's (about 1/f), with hard edges in it."""
    random = np.random.default_rng(seed)
    picture = Image.new("RGB", (width_px, height_px), (128, 128, 128))
    cell_px = max(width_px, height_px)
    while cell_px >= 2:
        cells = (height_px // cell_px + 2, width_px // cell_px + 2, 3)
        noise = Image.fromarray(random.integers(0, 256, cells, dtype=np.uint8))
        # Every octave blended over the coarser ones at the same share gives equal energy to
        # each; the finest get less, as lenses and sensors leave it.
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
