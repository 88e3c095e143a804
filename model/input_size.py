"""The size at which the network sees a photo: nearly one area, the aspect kept, few sizes."""

import math
from functools import lru_cache

# Of the coarsest features; sides that it divides need no padding.
STRIDE = 32
MIN_SIDE_PX = 96
# The allowed area, as shares of the one asked for: as wide as it takes for the distance
# between neighbouring aspects to stay below a tenth.
LEAST_AREA, MOST_AREA = 0.87, 1.10


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
