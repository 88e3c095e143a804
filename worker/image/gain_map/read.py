"""Decodes the gain map of an upload."""

import logging
from dataclasses import dataclass
from typing import Final

from PIL import Image

from worker.image.gain_map.location import find_gain_map
from worker.image.gain_map.numbers import GainMapNumbers, InvalidGainMapError
from worker.image.limits import ImageFile, check_limits

log = logging.getLogger(__name__)

# Profiles of displays have a few kilobytes; a gain map has none or one of those.
LONGEST_PROFILE_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class GainMap:
    """A gain map as its JPEG stores it, not rotated."""

    image: Image.Image
    """Mode "L" or "RGB"."""
    numbers: GainMapNumbers
    profile: bytes | None
    """The ICC profile of the picture that is shown with full headroom, if the file has one."""
    jpeg: bytes


def read_gain_map(data: bytes, photo_px: tuple[int, int]) -> GainMap | None:
    """Return the gain map of a JPEG upload whose photo has the size ``photo_px``.

    Return None if there is none, it is damaged, or it has more pixels than the photo.
    """
    stored = find_gain_map(data)
    if stored is None:
        return None
    try:
        header = check_limits(stored.jpeg, photo_px[0] * photo_px[1])
        with Image.open(ImageFile(stored.jpeg), formats=[header.format]) as image:
            if image.mode not in {"L", "RGB"}:
                raise InvalidGainMapError("it has another colour model")
            image.load()
            profile = image.info.get("icc_profile")
            if profile and len(profile) > LONGEST_PROFILE_BYTES:
                raise InvalidGainMapError("its colour profile is too long")
            return GainMap(image, stored.numbers, profile, stored.jpeg)
    except Exception:  # Pillow's readers raise many kinds of errors for damaged files
        log.debug("gain map ignored", exc_info=True)
        return None
