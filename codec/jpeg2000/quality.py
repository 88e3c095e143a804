"""`target=quality`: the λ with which a file is as good as the reference where people look."""

import io
import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from codec.jpeg2000.block_weights import CELL_PX
from codec.saliency_weights import rank_blocks, share_salient

_LEAST_ERROR: Final = 0.05
"""Mean squared error that counts for an exact reference: rounding alone makes 1/12."""


_CONSTANT: Final = 0.1946
_PER_SCALE: Final = 0.6846
_PER_ERROR: Final = 0.6566
"""Least squares on training photos: `python -m bench jpeg2000-fit`, bench/results/jp2_fit.json."""


class Reference(NamedTuple):
    """What the prediction knows of the reference."""

    log_scale: float
    """Logarithm of libjpeg's scale of the quantization tables, in percent."""
    log_error: float
    """Logarithm of the mean squared error of its samples where the map is high."""


def measure_unit(image: NDArray[np.uint8]) -> float:
    """Return what to add to the logarithm of a slope to have squared error, of samples 0..255, per byte."""
    return math.log(255.0**2 * image.size)


def describe_reference(
    image: NDArray[np.uint8], saliency: NDArray[np.float32] | None, quality: int
) -> Reference:
    """Return the features of the standard JPEG of `image` at `quality`, 1..100."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, format="JPEG", quality=quality, subsampling="4:2:0")
    with Image.open(file) as opened:
        squares = np.square(np.subtract(image, np.asarray(opened), dtype=np.float32))
    if squares.ndim == 3:
        squares = squares.mean(2)
    scale = 5000 / quality if quality < 50 else max(200 - 2 * quality, 1)
    error = _average(squares, saliency)
    return Reference(math.log(scale), math.log(max(error, _LEAST_ERROR)))


def predict_log_lambda(reference: Reference) -> float:
    """Return the logarithm of λ, in squared error per byte and for a weight of 1, that is as good."""
    return _CONSTANT + _PER_SCALE * reference.log_scale + _PER_ERROR * reference.log_error


def _average(squares: NDArray[np.float32], saliency: NDArray[np.float32] | None) -> float:
    """Return the mean over the salient region (`share_salient`), or over all pixels."""
    if saliency is None:
        return float(squares.mean())
    height, width = squares.shape
    rows, columns = (-(-side // CELL_PX) for side in (height, width))
    shares = share_salient(rank_blocks(saliency, rows, columns))
    # Cells at the right and lower edge may have fewer pixels.
    across = np.add.reduceat(squares, np.arange(0, width, CELL_PX), axis=1)
    sums = np.add.reduceat(across, np.arange(0, height, CELL_PX), axis=0)
    heights = np.minimum(CELL_PX, height - CELL_PX * np.arange(rows))
    widths = np.minimum(CELL_PX, width - CELL_PX * np.arange(columns))
    return float((sums * shares).sum() / (shares * np.outer(heights, widths)).sum())
