"""Input sizes of the network: nearly constant area, aspect ratio kept, a small set of sizes."""

import math
from functools import lru_cache
from typing import Final

from PIL import Image

# Of the coarsest features; sides that it divides need no padding.
STRIDE = 32
MIN_SIDE_PX = 96
# The allowed area, as shares of the one asked for: as wide as it takes for the distance
# between neighbouring aspects to stay below a tenth.
LEAST_AREA, MOST_AREA = 0.87, 1.10
# How often a side may exceed the input's before Pillow first averages whole pixels.
REDUCING_GAP: Final = 2.0


@lru_cache
def list_input_sizes(area_px: int) -> tuple[tuple[int, int], ...]:
    """Return every (height, width) that a photo may be scaled to, in pixels.

    Raises:
        ValueError: no such size has that area.
    """
    sides = range(MIN_SIDE_PX, area_px // MIN_SIDE_PX + STRIDE, STRIDE)
    sizes = tuple(
        (height, width)
        for height in sides
        for width in sides
        if LEAST_AREA * area_px <= height * width <= MOST_AREA * area_px
    )
    if not sizes:
        raise ValueError(f"no input size of about {area_px} pixels")
    return sizes


def choose_input_size(width_px: int, height_px: int, area_px: int) -> tuple[int, int]:
    """Return the (height, width) whose aspect is nearest; a strip is squeezed into the longest."""
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
    """Return the photo as RGB at a (height, width), the one way in training and in the service.

    Args:
        photo: any mode and size.
        size: (height, width) in pixels, as `choose_input_size` returns it.
        box: (left, top, right, bottom) in the photo's pixels, else all of it.
    """
    if photo.mode not in {"RGB", "L"}:
        photo = photo.convert("RGB")
    # Pillow resizes without holding the interpreter's lock; grey is a third of the work.
    scaled = photo.resize(size[::-1], Image.Resampling.BILINEAR, box=box, reducing_gap=REDUCING_GAP)
    return scaled.convert("RGB")
