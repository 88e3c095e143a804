"""Reads a JPEG: its pixels by libjpeg-turbo, everything else here."""

import logging
import struct
from dataclasses import replace
from typing import Final

import numpy as np
from PIL import Image

from contract.errors import ClientError, CorruptImageError
from contract.image_headers.steps import TooManyStepsError
from contract.messages import Options
from worker.image.coefficients import read_upright
from worker.image.colour.profiles import find_effect
from worker.image.formats.jpeg.completion import complete
from worker.image.formats.jpeg.deep import decode_deep
from worker.image.formats.jpeg.metadata import join_metadata, join_profile
from worker.image.formats.jpeg.pixels import decode
from worker.image.formats.jpeg.segments import read_precision, split
from worker.image.formats.orientation import read_orientation
from worker.image.limits import LONGEST_EXIF_BYTES
from worker.image.metadata.segments import LONGEST_PROFILE_BYTES
from worker.image.resize import Bounds, find_bounds, find_scale, turn_size
from worker.image.samples import Coefficients, ColourModel, Samples, StoredPhoto

log = logging.getLogger(__name__)

# Colour models of pictures that may be encoded from their coefficients.
MODELS: Final[tuple[ColourModel, ...]] = ("grey", "rgb")


def read(data: bytes, options: Options, size_px: tuple[int, int] | None = None) -> StoredPhoto:
    """Return the first picture of a JPEG, scaled down to a half, a quarter or an eighth if that is enough.

    With its ``size_px``, (width, height) as stored, the picture's coefficients are returned instead where
    they can be read, and neither size nor colours change.

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
    bounds = find_bounds(options, orientation)
    if size_px is not None and find_scale(size_px, bounds) == 1 and keeps_colours(profile, options):
        source = read_upright(data, orientation, turn_size(size_px, orientation))
        if source is not None:
            return StoredPhoto(Coefficients(source, profile), orientation, metadata)
    image = decode_complete(jpeg, bounds)
    if image.mode == "CMYK":
        return StoredPhoto(
            Samples(np.asarray(image), "cmyk", profile=profile), orientation, metadata
        )
    if profile is not None:
        image.info["icc_profile"] = profile
    return StoredPhoto(image, orientation, metadata)


def keeps_colours(profile: bytes | None, options: Options) -> bool:
    """Return whether a picture with this profile, grey or RGB, is not converted."""
    if profile is None or (options.metadata == "all" and len(profile) <= LONGEST_PROFILE_BYTES):
        return True
    return all(find_effect(profile, model) != "other" for model in MODELS)


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
