"""Converts Pillow's pictures of 8 bits by their profile: fast, and without copies where it is sRGB."""

import io
import logging

from PIL import Image, ImageCms

from worker.image.colour.profiles import find_effect
from worker.image.samples import ColourModel

log = logging.getLogger(__name__)


def convert_picture(image: Image.Image) -> Image.Image:
    """Return a picture of mode "L" or "RGB" in sRGB; the same object if nothing changes.

    A profile that is damaged or for another colour model is ignored.
    """
    profile = image.info.get("icc_profile")
    model: ColourModel = "grey" if image.mode == "L" else "rgb"
    if not isinstance(profile, bytes) or find_effect(profile, model) != "other":
        return image
    try:
        converted = ImageCms.profileToProfile(
            image,
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        log.debug("colour profile ignored", exc_info=True)
        return image
    if converted is None:
        return image
    return converted if image.mode == "RGB" else converted.convert("L")
