"""Accepted images: the formats by their names, and their limits; the formats of results."""

from typing import Final, Literal

# Front end and worker read headers by this list. The names are Pillow's, which has no reader for HEIC.
# JPEG includes MPO, which phones write: a JPEG followed by further pictures.
IMAGE_FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIC")

NOT_AN_IMAGE: Final = "The content is not a JPEG, PNG, WebP, AVIF, HEIC, GIF, BMP or TIFF image."
HEIC_IS_OFF: Final = "HEIC photos are turned off here; save or export this one as a JPEG."

# Of results.
Format = Literal["jpeg", "avif"]
MEDIA_TYPES: Final[dict[Format, str]] = {"jpeg": "image/jpeg", "avif": "image/avif"}

# ITU-T T.81, B.2.2: X and Y have 16 bits; libjpeg allows at most 65,500.
MAX_SIDE_PX: Final = 65_500

DEFAULT_MAX_UPLOAD_BYTES: Final = 64 * 1024 * 1024
DEFAULT_MAX_PIXELS: Final = 50_000_000
