"""Scales a photo down to fit inside ``width`` and ``height``, or to cover them, in its proportions."""

from typing import Final, NamedTuple

from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from contract.messages import Options

# EXIF orientations that swap width and height.
TRANSPOSED: Final = frozenset({5, 6, 7, 8})
# EXIF 2.32, tag 0x0112: what turns a stored picture upright.
TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# A JPEG can be decoded at a fraction of its size, which saves most of the time. It is decoded at this
# multiple of the requested size or more, so that the filter in `fit` determines the quality.
DRAFT_FACTOR: Final = 2
# A larger photo is first averaged down to this multiple of the requested size.
REDUCING_GAP: Final = 3.0


class Bounds(NamedTuple):
    """What width and height of a picture are scaled down to; None for no bound."""

    width: int | None = None
    height: int | None = None
    covers: bool = False
    """Whether a picture that is large enough covers both bounds, instead of fitting inside."""


NO_BOUNDS: Final = Bounds()


def find_bounds(options: Options, orientation: int = 1) -> Bounds:
    """Return the bounds of the picture as it is stored, before it is upright."""
    across, down = options.width, options.height
    if orientation in TRANSPOSED:
        across, down = down, across
    return Bounds(across, down, options.fit == "cover")


def turn_size(size_px: tuple[int, int], orientation: int) -> tuple[int, int]:
    """Return the (width, height) that a stored picture has when it is upright."""
    return (size_px[1], size_px[0]) if orientation in TRANSPOSED else size_px


def find_scale(size_px: tuple[int, int], bounds: Bounds) -> float:
    """Return the scale of a picture that fits inside ``bounds``, or covers them, at most 1."""
    sides = zip(size_px, bounds[:2], strict=True)
    scales = [bound / side for side, bound in sides if bound is not None]
    if not scales:
        return 1.0
    return min(1.0, max(scales) if bounds.covers else min(scales))


def draft(image: Image.Image, bounds: Bounds) -> None:
    """Set a JPEG to be decoded at a half, a quarter or an eighth of its size if that is enough."""
    scale = find_scale(image.size, bounds)
    if scale < 1 and isinstance(image, JpegImageFile):
        width, height = (max(1, round(side * scale * DRAFT_FACTOR)) for side in image.size)
        image.draft(None, (width, height))


def fit(image: Image.Image, options: Options) -> Image.Image:
    """Return ``image`` scaled down by a Lanczos filter, or the same object if it fits already."""
    bounds = find_bounds(options)
    scale = find_scale(image.size, bounds)
    if scale == 1:
        return image
    # One side equals its bound; the other must not pass its bound by rounding.
    limit = max if bounds.covers else min
    width, height = (
        limit(max(1, round(side * scale)), bound or side)
        for side, bound in zip(image.size, bounds[:2], strict=True)
    )
    return image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=REDUCING_GAP)
