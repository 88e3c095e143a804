"""``width`` and ``height``: the photo fits inside, keeps its shape and is never enlarged."""

from typing import Final

from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from contract.messages import Options

# EXIF's orientations whose stored picture lies on its side.
LYING: Final = frozenset({5, 6, 7, 8})
# A JPEG's reader may halve a photo by its coefficients, which saves most of the decoding. It is
# left this much larger than asked for, so that the filter below still decides how it looks.
DRAFT_FACTOR: Final = 2
# A photo many times as large is first averaged down to this many times the size that is asked for.
REDUCING_GAP: Final = 3.0

Bounds = tuple[int | None, int | None]


def find_bounds(options: Options, orientation: int) -> Bounds:
    """Return the bounds of the stored picture's width and height."""
    bounds = (options.width, options.height)
    return (bounds[1], bounds[0]) if orientation in LYING else bounds


def scale_inside(size_px: tuple[int, int], bounds: Bounds) -> float:
    """Return by what a picture's sides are multiplied, at most 1."""
    return min(
        1.0,
        *(bound / side for side, bound in zip(size_px, bounds, strict=True) if bound is not None),
        1.0,
    )


def draft(image: Image.Image, bounds: Bounds) -> None:
    """Let a JPEG's reader decode at a half, a quarter or an eighth, where that is still enough."""
    scale = scale_inside(image.size, bounds)
    if scale < 1 and isinstance(image, JpegImageFile):
        width, height = (max(1, round(side * scale * DRAFT_FACTOR)) for side in image.size)
        image.draft(None, (width, height))


def fit(image: Image.Image, options: Options) -> Image.Image:
    """Return ``image`` made smaller by Lanczos' filter, or itself where it fits already."""
    bounds = (options.width, options.height)
    scale = scale_inside(image.size, bounds)
    if scale == 1:
        return image
    # Rounded sides still fit: the one that decides is a bound, and the other rounds to at most its.
    width, height = (
        min(max(1, round(side * scale)), bound or side)
        for side, bound in zip(image.size, bounds, strict=True)
    )
    return image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=REDUCING_GAP)
