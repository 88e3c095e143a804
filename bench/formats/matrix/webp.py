"""WebP files of the matrix, written by libwebp through Pillow."""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

from bench.formats.matrix import pictures
from bench.formats.matrix.pictures import MatrixFile
from bench.formats.profiles import make_profiles


def make_files() -> list[MatrixFile]:
    """Return all WebP files of the matrix."""
    return pictures.join(make_types(), make_tagged(), make_animations())


def make_types() -> Iterator[MatrixFile]:
    """Yield lossy and lossless files with and without alpha."""
    for name, image in make_images().items():
        yield write(f"webp-{name}-lossy.webp", image, quality=90)
        yield write(f"webp-{name}-lossless.webp", image, lossless=True)
        yield write(f"webp-{name}-lossless-exact.webp", image, lossless=True, exact=True)
    yield write(
        "webp-rgba-lossy-alpha-30.webp", make_images()["rgba"], quality=90, alpha_quality=30
    )


def make_tagged() -> Iterator[MatrixFile]:
    """Yield profiles and orientations."""
    images = make_images()
    for space, profile in make_profiles().items():
        for name, image in images.items():
            yield write(f"webp-{name}-icc-{space}.webp", image, quality=90, icc_profile=profile)
    for orientation in pictures.ORIENTATIONS:
        exif = pictures.make_exif(orientation)
        yield write(
            f"webp-rgb-orientation-{orientation}.webp", images["rgb"], quality=90, exif=exif
        )


def make_animations() -> Iterator[MatrixFile]:
    """Yield animations, of which the first frame counts."""
    for name, image in make_images().items():
        other = image.transpose(Image.Transpose.ROTATE_180)
        yield write(
            f"webp-{name}-animation.webp",
            image,
            save_all=True,
            append_images=[other],
            lossless=True,
        )


def make_images() -> dict[str, Image.Image]:
    """Return the picture opaque and with alpha."""
    rgba = pictures.to_8_bits(pictures.with_alpha(pictures.make_samples()))
    return {"rgb": pictures.make_picture(), "rgba": Image.fromarray(np.ascontiguousarray(rgba))}


def write(name: str, image: Image.Image, **options: Any) -> MatrixFile:
    """Return an image as a WebP file."""
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", **options)
    return MatrixFile(name, buffer.getvalue())
