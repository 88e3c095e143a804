"""Decodes an upload to upright sRGB pixels without alpha, in the requested size."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from PIL import Image

from contract.errors import CorruptImageError, FoveateError
from contract.image_headers.read import ImageHeader
from contract.messages import Options
from worker.image.colour.convert import find_own_profile, to_picture
from worker.image.confined.decoder import DECODER
from worker.image.confined.readers import MODULES
from worker.image.formats import pillow
from worker.image.limits import check_limits
from worker.image.metadata.segments import LONGEST_PROFILE_BYTES, split_profile, write_segments
from worker.image.resize import fit
from worker.image.samples import StoredPhoto

log = logging.getLogger(__name__)

# By the names of ``IMAGE_FORMATS``. Pillow reads the others.
READERS: Final[dict[str, Callable[[bytes], StoredPhoto]]] = {}

# EXIF 2.32, tag 0x0112: what turns the stored picture upright.
TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


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
        InternalError: when a confined decoder can't be started.
    """
    header = check_limits(data, max_pixels)
    try:
        if header.format in MODULES:
            return finish(DECODER.read(data, header, max_pixels), None, header, options)
        reader = READERS.get(header.format)
        if reader is not None:
            return finish(reader(data), None, header, options)
        with pillow.open_image(data, header, max_pixels, options) as image:
            stored = StoredPhoto(pillow.read_pixels(image), pillow.read_orientation(image))
            return finish(stored, image, header, options)
    except FoveateError:
        raise
    except Exception as error:
        log.debug("not decodable", exc_info=True)
        raise CorruptImageError("The image's data is truncated or damaged.") from error


def finish(
    stored: StoredPhoto, source: Image.Image | None, header: ImageHeader, options: Options
) -> Photo:
    """Return a photo upright, in its final colours and size."""
    profile = find_own_profile(stored.pixels) if options.metadata == "all" else None
    if profile is not None and len(profile) > LONGEST_PROFILE_BYTES:
        profile = None
    picture = to_picture(stored.pixels, keep_colours=profile is not None)
    turn = TURNS.get(stored.orientation)
    upright = picture if turn is None else picture.transpose(turn)
    fitted = fit(upright, options)
    if source is not None:
        segments = write_segments(source, options.metadata, fitted.size, profile)
    else:
        segments = b"".join(split_profile(profile)) if profile is not None else b""
    # Each step returns the same object if it changes nothing.
    has_own_samples = (
        header.format == "JPEG"
        and picture is stored.pixels
        and fitted is upright
        and picture.size == (header.width_px, header.height_px)
    )
    return Photo(fitted, stored.orientation if has_own_samples else None, segments)
