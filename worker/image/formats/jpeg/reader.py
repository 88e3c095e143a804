"""Reads a JPEG: its pixels by libjpeg-turbo, everything else here."""

import logging
import struct
from dataclasses import replace

import numpy as np
from PIL import Image

from contract.errors import ClientError, CorruptImageError
from contract.image_headers.steps import TooManyStepsError
from contract.messages import Options
from worker.image.formats.jpeg.completion import complete
from worker.image.formats.jpeg.deep import decode_deep
from worker.image.formats.jpeg.metadata import join_metadata, join_profile
from worker.image.formats.jpeg.pixels import decode
from worker.image.formats.jpeg.segments import read_precision, split
from worker.image.formats.orientation import read_orientation
from worker.image.limits import LONGEST_EXIF_BYTES
from worker.image.resize import Bounds, find_bounds
from worker.image.samples import Samples, StoredPhoto

log = logging.getLogger(__name__)


def read(data: bytes, options: Options) -> StoredPhoto:
    """Return the first picture of a JPEG, scaled down to a half, a quarter or an eighth if that is enough.

    A CMYK picture has Adobe's inverted samples, whether or not it says so, as libjpeg-turbo's djpeg
    takes it.

    Raises:
        UnsupportedImageError: when the JPEG is of a kind that isn't decoded.
        CorruptImageError: when its header is damaged, or its data is damaged or truncated.
    """
    try:
        jpeg, applications = split(data)
    except (struct.error, TooManyStepsError) as error:
        raise CorruptImageError("The image's header is damaged.") from error
    metadata = join_metadata(applications)
    orientation = read_orientation(metadata.exif)
    if metadata.exif is not None and len(metadata.exif) > LONGEST_EXIF_BYTES:
        metadata = replace(metadata, exif=None)
    profile = join_profile(applications)
    precision = read_precision(jpeg)
    if precision != 8:
        return StoredPhoto(read_deep(jpeg, precision, profile), orientation, metadata)
    image = decode_complete(jpeg, find_bounds(options, orientation))
    if image.mode == "CMYK":
        return StoredPhoto(
            Samples(np.asarray(image), "cmyk", profile=profile), orientation, metadata
        )
    if profile is not None:
        image.info["icc_profile"] = profile
    return StoredPhoto(image, orientation, metadata)


def read_deep(jpeg: bytes, precision: int, profile: bytes | None) -> Samples:
    """Return the samples of a JPEG of ``precision`` bits.

    Raises:
        CorruptImageError: when its data is damaged or truncated.
    """
    try:
        return decode_deep(jpeg, precision, profile)
    except ClientError:
        raise
    except Exception as error:  # imagecodecs raises many kinds of errors for damaged data
        log.debug("not decodable", exc_info=True)
        raise CorruptImageError("The image's data is truncated or damaged.") from error


def decode_complete(jpeg: bytes, bounds: Bounds) -> Image.Image:
    """Return the picture of a JPEG that may lack EOI, but no coefficients.

    Raises:
        UnsupportedImageError, CorruptImageError: as `read`.
    """
    try:
        try:
            return decode(jpeg, bounds)
        except OSError:
            completed = complete(jpeg)
            if completed is None:
                raise
            return decode(completed, bounds)
    except ClientError:
        raise
    except Exception as error:  # Pillow raises many kinds of errors for damaged data
        log.debug("not decodable", exc_info=True)
        raise CorruptImageError("The image's data is truncated or damaged.") from error
