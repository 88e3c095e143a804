"""Reads the first picture of a TIFF."""

import logging

from contract.errors import CorruptImageError, UnsupportedImageError
from worker.image.formats.tiff.directory import Directory
from worker.image.formats.tiff.layout import Layout, read_layout
from worker.image.formats.tiff.metadata import read_metadata, read_orientation, read_profile
from worker.image.formats.tiff.photometry import to_model
from worker.image.formats.tiff.ranges import settle_floats, settle_signed
from worker.image.formats.tiff.segments import read_samples
from worker.image.samples import Samples, StoredPhoto

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
        return StoredPhoto(
            read_pixels(directory, layout), read_orientation(directory), read_metadata(directory)
        )
    except (CorruptImageError, UnsupportedImageError):
        raise
    except Exception as error:  # decoders raise many kinds of errors for damaged data
        log.debug("not decodable", exc_info=True)
        raise CorruptImageError("The TIFF is truncated or damaged.") from error


def read_pixels(directory: Directory, layout: Layout) -> Samples:
    """Return the samples in a model of `Samples`."""
    samples = read_samples(directory, layout)
    if layout.number_format == "float":
        samples = settle_floats(samples, layout.colours)
    elif layout.number_format == "signed":
        settle_signed(samples)
    values, model = to_model(samples, layout, directory)
    return Samples(values, model, layout.alpha, read_profile(directory))
