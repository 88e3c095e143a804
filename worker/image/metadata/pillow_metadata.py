"""The metadata of an image that Pillow has opened."""

import logging
from typing import Final

from PIL import Image

from worker.image.samples import RawMetadata

log = logging.getLogger(__name__)

EXIF_NAME: Final = b"Exif\0\0"


def read_metadata(image: Image.Image) -> RawMetadata:
    """Return EXIF, XMP and density as the file has them; of a TIFF, EXIF as Pillow writes it."""
    exif = image.info.get("exif")
    if not isinstance(exif, bytes):
        try:
            exif = image.getexif().tobytes() if image.getexif() else None
        except Exception:  # Pillow raises many kinds of errors for damaged directories
            log.debug("EXIF ignored", exc_info=True)
            exif = None
    xmp = image.info.get("xmp")
    if isinstance(xmp, str):
        xmp = xmp.encode()
    return RawMetadata(
        exif=exif.removeprefix(EXIF_NAME) if exif else None,
        xmp=xmp if isinstance(xmp, bytes) else None,
        density=read_density(image),
    )


def read_density(image: Image.Image) -> tuple[int, int, int] | None:
    """Return pixels along x and y per unit; unit as in JFIF."""
    if "jfif_density" in image.info:
        return (*image.info["jfif_density"], image.info["jfif_unit"])
    dpi = image.info.get("dpi")
    if dpi is None:
        return None
    try:
        across, down = (round(float(side)) for side in dpi)
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        return None
    return across, down, 1
