"""Decodes an upload to upright sRGB pixels without alpha, in the requested size, before it is cropped."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from PIL import Image

import codec
from contract.errors import CorruptImageError, FoveateError
from contract.image_headers.read import ImageHeader
from contract.messages import Options
from worker.image.colour.convert import find_own_profile, to_picture
from worker.image.confined.decoder import DECODER
from worker.image.confined.readers import MODULES
from worker.image.formats import bmp, gif, png, webp
from worker.image.formats.jpeg import reader as jpeg
from worker.image.formats.tiff import read as tiff
from worker.image.gain_map.read import GainMap, read_gain_map
from worker.image.gain_map.write import UncutGainMap, announce_gain_map, encode_gain_map
from worker.image.limits import check_limits
from worker.image.metadata.geometry import Geometry
from worker.image.metadata.segments import LONGEST_PROFILE_BYTES, write_segments
from worker.image.resize import TURNS, fit
from worker.image.samples import Coefficients, Samples, StoredPhoto
from worker.image.window import shape_window

log = logging.getLogger(__name__)

# By the names of ``IMAGE_FORMATS``. A JPEG's reader takes options; the confined decoder has the others.
READERS: Final[dict[str, Callable[[bytes], StoredPhoto]]] = {
    "PNG": png.read,
    "WEBP": webp.read,
    "GIF": gif.read,
    "BMP": bmp.read,
    "TIFF": tiff.read,
}


@dataclass(frozen=True, slots=True)
class Photo:
    """A decoded upload."""

    image: Image.Image
    """Upright, without alpha; mode "RGB" or "L"; sRGB, or with `metadata=all` as its profile says. With a
    `source` it is a smaller picture, for the network."""
    size_px: tuple[int, int]
    """(width, height) of the upright photo."""
    crop_px: tuple[int, int] | None = None
    """(width, height) of the part of it that is kept; None if all is."""
    source: codec.Source | None = None
    """The upright photo's coefficients, if nothing asks for its pixels."""
    segments: bytes = b""
    """Kept metadata, as marker segments of a JPEG."""
    gain_map: bytes = b""
    """The JPEG of a kept gain map, in the photo's size and orientation; empty if there is none."""
    uncut_gain_map: UncutGainMap | None = None
    """A kept gain map, if the photo is to be cropped."""


def decode(
    data: bytes,
    max_pixels: int,
    options: Options,
    input_size: Callable[[int, int], tuple[int, int]] | None = None,
) -> Photo:
    """Return the first picture in ``data``, in the size that ``options`` allow.

    ``input_size`` returns the (height, width) of the network's input for a photo's width and height. With
    it, a JPEG is not decoded to pixels where its coefficients are enough; without it, always.

    Raises:
        UnsupportedImageError: when the content has no supported format.
        TooManyPixelsError: when the header declares more than ``max_pixels`` or too long a side.
        CorruptImageError: when the header or the pixels can't be read completely.
        InternalError: when a confined decoder can't be started.
    """
    header = check_limits(data, max_pixels)
    try:
        if header.format in MODULES:
            stored = DECODER.read(data, header, max_pixels)
        elif header.format == "JPEG":
            # Other formats are encoded from pixels.
            takes_coefficients = input_size is not None and options.format == "jpeg"
            size_px = (header.width_px, header.height_px) if takes_coefficients else None
            stored = jpeg.read(data, options, size_px)
        else:
            stored = READERS[header.format](data)
        gain_map = find_gain_map(data, stored, header, options)
        return finish(stored, header, options, gain_map, input_size)
    except FoveateError:
        raise
    except Exception as error:
        log.debug("not decodable", exc_info=True)
        raise CorruptImageError("The image's data is truncated or damaged.") from error


def find_gain_map(
    data: bytes, stored: StoredPhoto, header: ImageHeader, options: Options
) -> GainMap | None:
    """Return the gain map to keep, None if there is none."""
    # Samples have other colours than a gain map applies to.
    if options.hdr == "none" or header.format != "JPEG" or isinstance(stored.pixels, Samples):
        return None
    return read_gain_map(data, (header.width_px, header.height_px))


def finish(
    stored: StoredPhoto,
    header: ImageHeader,
    options: Options,
    gain_map: GainMap | None,
    input_size: Callable[[int, int], tuple[int, int]] | None,
) -> Photo:
    """Return a photo upright, in its final colours and size."""
    profile = None
    # A gain map applies in the photo's own colour space.
    if options.metadata == "all" or gain_map is not None:
        profile = find_own_profile(stored.pixels)
    if profile is not None and len(profile) > LONGEST_PROFILE_BYTES:
        profile = None
    header_px = (header.width_px, header.height_px)
    source = None
    if isinstance(stored.pixels, Coefficients):
        source, stored_px = stored.pixels.source, header_px
        size_px = (source.width, source.height)
        assert input_size is not None
        image = Image.fromarray(codec.render_preview(source, input_size(*size_px)[::-1]))
    else:
        picture = to_picture(stored.pixels, keep_colours=profile is not None)
        turn = TURNS.get(stored.orientation)
        image = fit(picture if turn is None else picture.transpose(turn), options)
        size_px = image.size
        # A JPEG may have been read at a smaller size.
        stored_px = header_px if header.format == "JPEG" else picture.size
    crop_px = find_crop(size_px, options)
    geometry = Geometry(stored_px, stored.orientation, crop_px or size_px, crop_px is not None)
    components = None if header.format == "JPEG" else len(image.getbands())
    segments = write_segments(stored.metadata, options.metadata, geometry, profile, components)
    gain_map_jpeg, uncut_gain_map = b"", None
    if gain_map is not None and crop_px is not None:
        uncut_gain_map = UncutGainMap(gain_map, geometry)
    elif gain_map is not None:
        gain_map_jpeg = encode_gain_map(gain_map, options, geometry)
        segments = announce_gain_map(segments, gain_map, len(gain_map_jpeg))
    return Photo(image, size_px, crop_px, source, segments, gain_map_jpeg, uncut_gain_map)


def find_crop(photo_px: tuple[int, int], options: Options) -> tuple[int, int] | None:
    """Return the size of the part of a photo that is kept; None if all is."""
    if options.fit == "inside" or options.width is None or options.height is None:
        return None
    crop_px = shape_window(photo_px, (options.width, options.height))
    return None if crop_px == photo_px else crop_px
