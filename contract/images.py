"""Which images are accepted: formats, by Pillow's names, and the limits on them."""

from typing import Final

# Front end and worker open with the same list, so that what was probed is what is decoded.
# JPEG takes in MPO, which phones write: a JPEG that carries more pictures behind the first.
IMAGE_FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")

# ITU-T T.81, B.2.2: X and Y are 16 bits wide; libjpeg stops at 65,500.
MAX_SIDE_PX: Final = 65_500

DEFAULT_MAX_UPLOAD_BYTES: Final = 64 * 1024 * 1024
DEFAULT_MAX_PIXELS: Final = 50_000_000
