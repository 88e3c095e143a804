"""Accepted images: the formats by Pillow's names, and their limits."""

from typing import Final

# Front end and worker read headers by this list; the worker decodes with Pillow's reader of that name.
# JPEG includes MPO, which phones write: a JPEG followed by further pictures.
IMAGE_FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")

# Major brands of HEIC files (ISO/IEC 23008-12, annex B). Pillow has no decoder for them.
HEIC_BRANDS: Final = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
)
NOT_AN_IMAGE: Final = "The content is not a JPEG, PNG, WebP, AVIF, GIF, BMP or TIFF image."

# ITU-T T.81, B.2.2: X and Y have 16 bits; libjpeg allows at most 65,500.
MAX_SIDE_PX: Final = 65_500

DEFAULT_MAX_UPLOAD_BYTES: Final = 64 * 1024 * 1024
DEFAULT_MAX_PIXELS: Final = 50_000_000
