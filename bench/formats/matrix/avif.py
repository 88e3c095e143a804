"""AVIF files of the matrix, written by libavif through imagecodecs and Pillow."""

import io
from collections.abc import Iterator
from typing import Any, Final

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.formats.matrix import pictures
from bench.formats.matrix.pictures import MatrixFile
from bench.formats.profiles import make_profiles

QUALITY: Final = 90
BITS: Final = (8, 10, 12)
SUBSAMPLINGS: Final = ("444", "422", "420")
# Primaries, transfer and matrix (ITU-T H.273).
COLOUR_SPACES: Final = {
    "srgb": (1, 13, 6),
    "bt709": (1, 1, 1),
    "unspecified": (2, 2, 2),
    "p3": (12, 13, 6),
    "linear": (1, 8, 1),
    "bt2020": (9, 14, 9),
    "pq": (9, 16, 9),
    "hlg": (9, 18, 9),
    "rgb": (1, 13, 0),
    "ycgco": (1, 13, 8),
}


def make_files() -> list[MatrixFile]:
    """Return all AVIF files of the matrix."""
    return pictures.join(make_types(), make_spaces(), make_tagged())


def make_types() -> Iterator[MatrixFile]:
    """Yield depths and subsamplings with and without alpha, and greyscale."""
    for bits in BITS:
        for subsampling in SUBSAMPLINGS:
            rgb, rgba = pictures.make_samples(), pictures.with_alpha(pictures.make_samples())
            name = f"avif-{subsampling}-{bits}"
            yield encode(f"{name}.avif", rgb, bits, pixelformat=subsampling)
            yield encode(f"{name}-alpha.avif", rgba, bits, pixelformat=subsampling)
        yield encode(f"avif-grey-{bits}.avif", pictures.make_grey_samples(), bits)


def make_spaces() -> Iterator[MatrixFile]:
    """Yield colour spaces by their code points."""
    for bits in (8, 10):
        for space, (primaries, transfer, matrix) in COLOUR_SPACES.items():
            yield encode(
                f"avif-444-{bits}-nclx-{space}.avif", pictures.make_samples(), bits,
                pixelformat="444", primaries=primaries, transfer=transfer, matrix=matrix,
            )  # fmt: skip


def make_tagged() -> Iterator[MatrixFile]:
    """Yield orientations, ranges and profiles."""
    image = pictures.make_picture()
    for orientation in pictures.ORIENTATIONS:
        exif = Image.Exif()
        exif[0x0112] = orientation
        yield write(f"avif-420-8-orientation-{orientation}.avif", image, exif=exif)
    for value_range in ("full", "limited"):
        yield write(f"avif-420-8-{value_range}-range.avif", image, range=value_range)
    for space, profile in make_profiles().items():
        yield write(f"avif-420-8-icc-{space}.avif", image, icc_profile=profile)
    other = image.transpose(Image.Transpose.ROTATE_180)
    yield write("avif-420-8-sequence.avif", image, save_all=True, append_images=[other])


def encode(name: str, samples: NDArray[np.float64], bits: int, **options: Any) -> MatrixFile:
    """Return samples from 0 to 1 as an AVIF file of a depth."""
    integers = pictures.to_depth(samples, bits)
    data = imagecodecs.avif_encode(
        integers if bits > 8 else integers.astype(np.uint8),
        QUALITY, speed=8, bitspersample=bits, numthreads=1, **options,
    )  # fmt: skip
    return MatrixFile(name, bytes(data))


def write(name: str, image: Image.Image, **options: Any) -> MatrixFile:
    """Return an image as an AVIF file of 8 bits."""
    buffer = io.BytesIO()
    image.save(buffer, "AVIF", quality=QUALITY, speed=8, **options)
    return MatrixFile(name, buffer.getvalue())
