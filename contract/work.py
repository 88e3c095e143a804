"""The work of compressing a photo, as a number of pixels."""

from typing import Final

# What a photo costs beside its pixels: network, HTTP and queue. The line through the smallest and the
# largest photo of `python -m bench sizing` (bench/results/sizing.json): 83 ms and 71 ms per megapixel.
PHOTO_PX: Final = 1_160_000


def count_work_px(pixels: int) -> int:
    """Return the work of a photo of ``pixels`` pixels."""
    return PHOTO_PX + pixels
