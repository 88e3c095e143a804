"""Input sizes of the network: a small set with nearly the same area and any aspect ratio."""

import math
from functools import lru_cache
from typing import Final

from PIL import Image

# Stride of the coarsest features. Sides that are multiples of it need no padding.
STRIDE = 32
MIN_SIDE_PX = 96
# Limits of a size's area, as shares of the requested area: wide enough that neighbouring aspect
# ratios differ by less than a tenth.
MIN_AREA_SHARE, MAX_AREA_SHARE = 0.87, 1.10
# Pillow first averages whole pixels of photos that exceed the size by more than this factor.
REDUCING_GAP: Final = 2.0


@lru_cache
def list_input_sizes(area_px: int) -> tuple[tuple[int, int], ...]:
    """Return every (height, width) that a photo may be scaled to, in pixels.

    Raises:
        ValueError: no size has about that area.
    """
    sides = range(MIN_SIDE_PX, area_px // MIN_SIDE_PX + STRIDE, STRIDE)
    sizes = tuple(
        (height, width)
        for height in sides
        for width in sides
        if MIN_AREA_SHARE * area_px <= height * width <= MAX_AREA_SHARE * area_px
    )
    if not sizes:
        raise ValueError(f"no input size of about {area_px} pixels")
    return sizes


def choose_input_size(width_px: int, height_px: int, area_px: int) -> tuple[int, int]:
    """Return the (height, width) in pixels with the nearest aspect ratio.

    A strip with a more extreme aspect ratio gets the longest size and is distorted.
    """
    aspect = math.log(width_px / height_px)

    def distance(size: tuple[int, int]) -> tuple[float, int]:
        height, width = size
        return abs(math.log(width / height) - aspect), -height * width

    return min(list_input_sizes(area_px), key=distance)


def scale_photo(
    photo: Image.Image,
    size: tuple[int, int],
    box: tuple[float, float, float, float] | None = None,
) -> Image.Image:
    """Return the photo as RGB at a given size; training and service both scale with it.

    Args:
        photo: any mode and size.
        size: (height, width) in pixels, as `choose_input_size` returns it.
        box: the part to scale, (left, top, right, bottom) in the photo's pixels; None for all.
    """
    if photo.mode not in {"RGB", "L"}:
        photo = photo.convert("RGB")
    # Grey photos are converted after scaling: scaling one channel is a third of the work.
    scaled = photo.resize(size[::-1], Image.Resampling.BILINEAR, box=box, reducing_gap=REDUCING_GAP)
    return scaled.convert("RGB")
