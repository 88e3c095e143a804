"""The picture that the files of the matrix hold, in the models and depths of their containers."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.datasets.uploads import generate_photo

# Odd, and not square: what is turned or padded shows.
WIDTH_PX: Final = 125
HEIGHT_PX: Final = 83
SEED: Final = 21
ORIENTATIONS: Final = range(1, 9)


@dataclass(frozen=True, slots=True)
class MatrixFile:
    """A file of the matrix."""

    name: str
    """With the ending of its format; its parts name container, depth, colour and so on."""
    data: bytes


@cache
def make_picture() -> Image.Image:
    """Return the picture, mode "RGB": saturated colours, light at the top, dark on the left."""
    photo = np.asarray(generate_photo(WIDTH_PX, HEIGHT_PX, SEED), dtype=np.float64)
    grey = photo.mean(axis=2, keepdims=True)
    # Decoders interpolate subsampled colours in different ways: fine ones would differ.
    coarse = Image.fromarray(photo.astype(np.uint8)).resize((16, 11), Image.Resampling.BOX)
    colours = coarse.resize((WIDTH_PX, HEIGHT_PX), Image.Resampling.BICUBIC)
    photo = np.asarray(colours, dtype=np.float64)
    down = np.linspace(1.15, 0.7, HEIGHT_PX)[:, None, None]
    across = np.linspace(0.7, 1.15, WIDTH_PX)[None, :, None]
    shaded = (grey + 1.6 * (photo - photo.mean(axis=2, keepdims=True))) * down * across
    return Image.fromarray(np.clip(np.rint(shaded), 0, 255).astype(np.uint8))


@cache
def make_samples() -> NDArray[np.float64]:
    """Return the picture from 0 to 1 with more than 8 bits: (height, width, 3)."""
    wide = make_picture().resize((4 * WIDTH_PX, 4 * HEIGHT_PX), Image.Resampling.BICUBIC)
    samples = np.asarray(wide, dtype=np.float64).reshape(HEIGHT_PX, 4, WIDTH_PX, 4, 3)
    scaled: NDArray[np.float64] = samples.mean(axis=(1, 3)) / 255.0
    return scaled


@cache
def make_grey_samples() -> NDArray[np.float64]:
    """Return the picture's luma from 0 to 1: (height, width)."""
    luma: NDArray[np.float64] = make_samples() @ np.array([0.299, 0.587, 0.114])
    return luma


@cache
def make_alpha() -> NDArray[np.float64]:
    """Return an alpha channel from 0 to 1: opaque at the left, a gradient, a hole at the right."""
    alpha = np.tile(np.clip(np.linspace(2.5, 0.2, WIDTH_PX), 0, 1), (HEIGHT_PX, 1))
    alpha[10:30, 90:115] = 0
    return alpha


def to_depth(samples: NDArray[np.float64], bits: int) -> NDArray[np.uint16]:
    """Return samples as integers of 1 to 16 bits."""
    integers: NDArray[np.uint16] = np.rint(samples * (2**bits - 1)).astype(np.uint16)
    return integers


def to_8_bits(samples: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return samples as integers of 8 bits."""
    return to_depth(samples, 8).astype(np.uint8)


def with_alpha(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return samples with alpha as their last channel."""
    channels = samples if samples.ndim == 3 else samples[..., None]
    return np.concatenate([channels, make_alpha()[..., None]], axis=2)


def make_exif(orientation: int) -> bytes:
    """Return EXIF with an orientation alone, as a TIFF file without pixels."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes().removeprefix(b"Exif\0\0")


def make_originals() -> list[NDArray[np.uint8]]:
    """Return how the picture looks where no colours are converted: RGB, grey, and on white."""
    grey = make_grey_samples()[..., None]
    alpha = make_alpha()[..., None]
    shown = [make_samples(), np.repeat(grey, 3, axis=2)]
    shown += [samples * alpha + 1 - alpha for samples in shown]
    whole = [to_8_bits(samples) for samples in shown]
    return whole + [picture[: HEIGHT_PX // 2 * 2, : WIDTH_PX // 2 * 2] for picture in whole]


def join(*parts: Iterator[MatrixFile]) -> list[MatrixFile]:
    """Return all files of several makers."""
    return [file for part in parts for file in part]
