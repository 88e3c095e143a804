"""The work of compressing a photo, as a number of pixels."""

from typing import Final

from contract.images import Format

# What a photo costs beside its pixels: network, HTTP and queue. The line through the smallest and the
# largest photo of `python -m bench sizing` (bench/results/sizing.json): 83 ms and 71 ms per megapixel.
PHOTO_PX: Final = 1_160_000

# The work of a pixel of each format, in that of a JPEG's: an AVIF is encoded two or three times
# (`python -m bench avif`, bench/results/avif.json).
FACTORS: Final[dict[Format, int]] = {"jpeg": 1, "avif": 20}


def count_work_px(pixels: int, output_format: Format = "jpeg") -> int:
    """Return the work of a photo of ``pixels`` pixels."""
    return PHOTO_PX + pixels * FACTORS[output_format]
