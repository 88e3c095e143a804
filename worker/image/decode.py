"""Decodes an upload to upright sRGB pixels without alpha, in the requested size.

Orientation: EXIF 2.32, tag 0x0112. Colours: the embedded ICC profile.
"""

import io
import logging
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from contract.errors import CorruptImageError, UnsupportedImageError
from contract.image_headers.read import ImageHeader, check_size
from contract.images import NOT_AN_IMAGE
from contract.messages import Options
from worker.image.limits import ImageFile, check_limits, drop_long_exif
from worker.image.metadata.geometry import Geometry
from worker.image.metadata.pillow_metadata import read_metadata
from worker.image.metadata.segments import read_profile, write_segments
from worker.image.resize import draft, find_bounds, fit

log = logging.getLogger(__name__)

# Registers all of Pillow's readers: `formats` may name registered ones only.
Image.init()

# Pillow's names; an MPO is a JPEG followed by further pictures.
JPEG_FORMATS = frozenset({"JPEG", "MPO"})
ORIENTATION = 0x0112

GREY_MODES = frozenset({"1", "L", "LA", "La", "I", "F", "I;16", "I;16L", "I;16B", "I;16N"})


@dataclass(frozen=True, slots=True)
class Photo:
    """A decoded upload."""

    image: Image.Image
    """Upright, without alpha; mode "RGB" or "L"; sRGB, or with `metadata=all` as its profile says."""
    orientation: int | None
    """EXIF orientation, 1 to 8, of a JPEG whose own samples, made upright, are `image`; else None."""
    segments: bytes = b""
    """Kept metadata, as marker segments of a JPEG."""


def decode(data: bytes, max_pixels: int, options: Options) -> Photo:
    """Return the first picture in ``data``, in the size that ``options`` allow.

    Raises:
        UnsupportedImageError: when the content has no supported format.
        TooManyPixelsError: when the header declares more than ``max_pixels`` or too long a side.
        CorruptImageError: when the header or the pixels can't be read completely.
    """
    header = check_limits(data, max_pixels)
    try:
        image = Image.open(ImageFile(data), formats=[header.format])
    except UnidentifiedImageError as error:
        raise UnsupportedImageError(NOT_AN_IMAGE) from error
    except Exception as error:  # Pillow's readers raise many kinds of errors for damaged headers
        raise CorruptImageError("The image's header is damaged.") from error
    with image:
        stored_size_px = image.size
        # Pillow may have found another size, as in a PNG with two headers.
        check_size(ImageHeader(header.format, *image.size), max_pixels)
        try:
            if image.format not in JPEG_FORMATS:
                image.load()  # in a PNG, EXIF may follow the pixels
            drop_long_exif(image)
            orientation = read_orientation(image)
            bounds = find_bounds(options, orientation)
            if image.format in JPEG_FORMATS:
                draft(image, bounds)
            image.load()
            profile = None
            if options.metadata == "all":
                profile = read_profile(image, grey=image.mode in GREY_MODES)
            # `exif_transpose` copies the pixels even if the photo is upright.
            is_upright = orientation == 1 and image.format in JPEG_FORMATS
            upright = image if is_upright else ImageOps.exif_transpose(image)
            fitted = fit(flatten(upright, keep_colours=profile is not None), options)
            geometry = Geometry(stored_size_px, orientation, fitted.size)
            segments = write_segments(read_metadata(image), options.metadata, geometry, profile)
            # `fit` and `flatten` return the same object if they change nothing.
            has_own_samples = (
                image.format in JPEG_FORMATS and fitted is upright and image.size == stored_size_px
            )
            return Photo(fitted, orientation if has_own_samples else None, segments)
        except CorruptImageError:
            raise
        except Exception as error:
            log.debug("not decodable", exc_info=True)
            raise CorruptImageError("The image's data is truncated or damaged.") from error


def read_orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8, as ``exif_transpose`` reads it."""
    orientation = image.getexif().get(ORIENTATION, 1)
    return orientation if orientation in range(1, 9) else 1


def flatten(image: Image.Image, *, keep_colours: bool) -> Image.Image:
    """Return ``image`` on white: mode "L" if it is greyscale, else "RGB".

    Its colours are in sRGB, or with ``keep_colours`` in its own colour space.
    """
    grey = image.mode in GREY_MODES
    alpha = None
    if grey and image.mode not in {"L", "LA", "La"}:
        alpha = deep_transparency(image)
        profile = image.info.get("icc_profile")
        image = to_8_bits(image)
        image.info["icc_profile"] = profile
    elif image.mode in {"PA", "LA", "La", "RGBA", "RGBa"} or "transparency" in image.info:
        image = image.convert("LA" if grey else "RGBA")
        alpha = image.getchannel("A")
        image = image.convert("L" if grey else "RGB")
    elif image.mode == "P":
        image = image.convert("RGB")  # the profile applies to the palette's colours
    if keep_colours:
        mode = "L" if grey else "RGB"
        image = image if image.mode == mode else image.convert(mode)
    else:
        image = to_srgb(image, grey=grey)
    if alpha is not None:
        white = Image.new(image.mode, image.size, "white")
        image = Image.composite(image, white, alpha)
    return image


def deep_transparency(image: Image.Image) -> Image.Image | None:
    """Return the alpha of a greyscale image of more than 8 bits; None if no level is transparent."""
    level = image.info.get("transparency")
    if not isinstance(level, int):
        return None
    opaque = np.asarray(image) != level
    return Image.fromarray(np.where(opaque, 255, 0).astype(np.uint8))


def to_8_bits(image: Image.Image) -> Image.Image:
    """Return a greyscale image of any depth as mode "L".

    Pillow's own conversion clips 16-bit samples at 255 instead of scaling them.
    """
    if image.mode == "1":
        return image.convert("L")
    samples: NDArray[np.float32] = np.asarray(image, dtype=np.float32)
    if image.mode == "F":
        # Floating-point TIFFs use 0 to 1 or 0 to 255, and no tag tells which.
        full_scale = 1.0 if np.nanmax(samples, initial=0.0) <= 1.0 else 255.0
    else:
        full_scale = 65_535.0
    scaled = np.nan_to_num(samples) * np.float32(255.0 / full_scale)
    return Image.fromarray(np.clip(np.rint(scaled), 0, 255).astype(np.uint8), "L")


def to_srgb(image: Image.Image, *, grey: bool) -> Image.Image:
    """Return ``image`` with its colours in sRGB, as mode "L" if ``grey``, else "RGB".

    A profile that can't be read or doesn't fit the pixels is ignored. The colours then count as sRGB,
    as in browsers.
    """
    mode = "L" if grey else "RGB"
    profile_bytes = image.info.get("icc_profile")
    if profile_bytes:
        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(profile_bytes))
            if not ImageCms.getProfileDescription(profile).startswith("sRGB"):
                converted = ImageCms.profileToProfile(
                    image,
                    profile,
                    ImageCms.createProfile("sRGB"),
                    renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
                    outputMode="RGB",
                    flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
                )
                if converted is not None:
                    return converted.convert(mode)
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            log.debug("colour profile ignored", exc_info=True)
    return image if image.mode == mode else image.convert(mode)
