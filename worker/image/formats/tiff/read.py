"""Reads the first picture of a TIFF."""

import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.errors import CorruptImageError, UnsupportedImageError
from worker.image.formats.tiff.codecs import FAXES, LEGACY
from worker.image.formats.tiff.directory import Directory
from worker.image.formats.tiff.header import read_layout
from worker.image.formats.tiff.layout import Layout
from worker.image.formats.tiff.legacy import read_legacy
from worker.image.formats.tiff.metadata import read_metadata, read_orientation, read_profile
from worker.image.formats.tiff.photometry import divide_by_alpha, to_model
from worker.image.formats.tiff.ranges import (
    read_no_data,
    settle_deep,
    settle_deep_signed,
    settle_signed,
)
from worker.image.formats.tiff.segments import read_samples
from worker.image.samples import ColourModel, Samples, StoredPhoto

log = logging.getLogger(__name__)


def read(data: bytes) -> StoredPhoto:
    """Return the picture of the first directory. Its size has been checked.

    Raises:
        CorruptImageError: when it is damaged or truncated, or would take far more than its pixels.
        UnsupportedImageError: when it has a compression, depth or colours that are not supported.
    """
    try:
        directory = Directory(data)
        layout = read_layout(directory)
        orientation = read_orientation(directory)
        pixels = read_pixels(directory, layout, orientation)
        return StoredPhoto(pixels, orientation, read_metadata(directory))
    except (CorruptImageError, UnsupportedImageError):
        raise
    except Exception as error:  # decoders raise many kinds of errors for damaged data
        log.debug("not decodable", exc_info=True)
        raise CorruptImageError("The TIFF is truncated or damaged.") from error


def read_pixels(directory: Directory, layout: Layout, orientation: int) -> Samples:
    """Return the samples in a model of `Samples`."""
    try:
        if layout.compression not in LEGACY:
            return to_samples(read_samples(directory, layout), layout, directory)
    except CorruptImageError:
        # libtiff reads more of what fax machines sent.
        if layout.compression not in FAXES:
            raise
    values = read_legacy(directory, layout, orientation)
    model: ColourModel = "grey" if values.shape[2] == 1 else "rgb"
    return Samples(values, model, profile=read_profile(directory))


def to_samples(samples: NDArray[Any], layout: Layout, directory: Directory) -> Samples:
    """Return scaled samples in a model of `Samples`."""
    no_data = read_no_data(directory)
    if layout.dtype is np.float32:
        greatest = None if layout.number_format == "float" else float((1 << layout.bits) - 1)
        if greatest and layout.number_format == "signed":
            settle_deep_signed(samples, greatest, no_data)
        samples = settle_deep(samples, layout.colours, greatest, no_data)
    elif layout.number_format == "signed":
        settle_signed(samples, no_data if layout.bits in {8, 16} else None)
    values, model = to_model(samples, layout, directory)
    alpha = layout.alpha
    if alpha == "probable":
        # Padding is 0: transparent everywhere.
        alpha = "straight" if values[..., -1].any() else "none"
        if alpha == "none":
            return Samples(values[..., :-1].copy(), model, alpha, read_profile(directory))
    elif alpha == "premultiplied" and model in {"cmyk", "lab"}:
        divide_by_alpha(values, model)
        alpha = "straight"
    return Samples(values, model, alpha, read_profile(directory))
