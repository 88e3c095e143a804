"""Scales a photo to fit inside ``width`` and ``height``: never larger, always in its proportions."""

from typing import Final

from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from contract.messages import Options

# EXIF's orientations that swap width and height.
LYING: Final = frozenset({5, 6, 7, 8})
# A JPEG can be decoded at a fraction of its size, which saves most of the time. It is decoded this
# many times larger than requested, so that the filter in `fit` determines the quality.
DRAFT_FACTOR: Final = 2
# A much larger photo is first averaged down to this many times the requested size.
REDUCING_GAP: Final = 3.0

Bounds = tuple[int | None, int | None]


def find_bounds(options: Options, orientation: int) -> Bounds:
    """Return the bounds of the stored picture's width and height."""
    bounds = (options.width, options.height)
    return (bounds[1], bounds[0]) if orientation in LYING else bounds


def scale_inside(size_px: tuple[int, int], bounds: Bounds) -> float:
    """Return the scale of a picture that fits inside ``bounds``, at most 1."""
    return min(
        1.0,
        *(bound / side for side, bound in zip(size_px, bounds, strict=True) if bound is not None),
        1.0,
    )


def draft(image: Image.Image, bounds: Bounds) -> None:
    """Let a JPEG be decoded at a half, a quarter or an eighth of its size where that is enough."""
    scale = scale_inside(image.size, bounds)
    if scale < 1 and isinstance(image, JpegImageFile):
        width, height = (max(1, round(side * scale * DRAFT_FACTOR)) for side in image.size)
        image.draft(None, (width, height))


def fit(image: Image.Image, options: Options) -> Image.Image:
    """Return ``image`` scaled down by a Lanczos filter, or the same object where it fits already."""
    bounds = (options.width, options.height)
    scale = scale_inside(image.size, bounds)
    if scale == 1:
        return image
    # Rounded sides fit: one equals its bound, and the other rounds to its own bound at most.
    width, height = (
        min(max(1, round(side * scale)), bound or side)
        for side, bound in zip(image.size, bounds, strict=True)
    )
    return image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=REDUCING_GAP)
