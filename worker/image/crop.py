"""Cuts the window that `fit=cover` keeps out of a photo and its saliency map."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import codec
from contract.gravity import parse_gravity
from worker.image.regions import FACE, ClassMaps
from worker.image.window import Size, Window, find_window, place_window


@dataclass(frozen=True, slots=True)
class Crop:
    """A cropped photo: `pixels`, or its coefficients as `source`."""

    window: Window
    pixels: NDArray[np.uint8] | None
    source: codec.Source | None
    saliency: NDArray[np.float32]


def crop_photo(
    pixels: NDArray[np.uint8] | None,
    source: codec.Source | None,
    saliency: NDArray[np.float32],
    classes: ClassMaps,
    crop_px: Size,
    *,
    gravity: str,
) -> Crop:
    """Return the part of a photo that ``gravity`` keeps, in the size ``crop_px``.

    A window that the map chooses moves to the nearest corner of a JPEG's MCUs, so that coefficients
    stay coefficients, if that is no further than a cell of the map. Other windows do not move; where
    one does not begin at such a corner, pixels are cut.

    Args:
        pixels: the upright photo, (H, W) or (H, W, 3); not needed with ``source``.
        source: its coefficients, or None.
        saliency: the whole photo's map, (h, w) in [0, 1].
        classes: the whole photo's; faces count beside the map.
        crop_px: (width, height).
        gravity: as in `contract.gravity`.
    """
    if source is not None:
        photo_px = source.width, source.height
    else:
        assert pixels is not None
        photo_px = pixels.shape[1], pixels.shape[0]
    point = parse_gravity(gravity)
    if point is not None:
        window = place_window(photo_px, crop_px, point)
    else:
        faces = classes.find_probability(FACE, saliency.shape)
        window = find_window(saliency, photo_px, crop_px, faces)
        if source is not None:
            moved = move_to_corner(window, source)
            rows, columns = saliency.shape
            is_near_across = abs(moved.left - window.left) * columns <= photo_px[0]
            is_near_down = abs(moved.top - window.top) * rows <= photo_px[1]
            window = moved if is_near_across and is_near_down else window
    part = crop_map(saliency, photo_px, window)
    if source is None:
        assert pixels is not None
        return Crop(window, cut(pixels, window), None, part)
    if window == move_to_corner(window, source):
        kept = codec.crop_source(source, window.left, window.top, window.width, window.height)
        return Crop(window, None, kept, part)
    return Crop(window, render_part(source, window), None, part)


def move_to_corner(window: Window, source: codec.Source) -> Window:
    """Return the window moved to the nearest corner of MCUs from which it lies inside the photo."""
    left, top = (
        min((start + unit // 2) // unit, (side - length) // unit) * unit
        for start, length, side, unit in (
            (window.left, window.width, source.width, 8 * source.horizontal),
            (window.top, window.height, source.height, 8 * source.vertical),
        )
    )
    return replace(window, left=left, top=top)


def render_part(source: codec.Source, window: Window) -> NDArray[np.uint8]:
    """Return the pixels of a part of a source, as they are in the whole picture."""
    # A further MCU at the end, from which chroma is upsampled. At its start a window lies inside of one.
    (left, right), (top, bottom) = (
        (start // unit * unit, min(side, (-(-(start + length) // unit) + 1) * unit))
        for start, length, side, unit in (
            (window.left, window.width, source.width, 8 * source.horizontal),
            (window.top, window.height, source.height, 8 * source.vertical),
        )
    )
    pixels = codec.render(codec.crop_source(source, left, top, right - left, bottom - top))
    return cut(pixels, replace(window, left=window.left - left, top=window.top - top))


def cut(pixels: NDArray[np.uint8], window: Window) -> NDArray[np.uint8]:
    """Return the window's pixels as an array of their own, so that the others can be freed."""
    rows = slice(window.top, window.top + window.height)
    return pixels[rows, window.left : window.left + window.width].copy()


def crop_map(saliency: NDArray[np.float32], photo_px: Size, window: Window) -> NDArray[np.float32]:
    """Return the window's part of a map, with cells of about the same size; resampled bilinearly."""
    across, down = saliency.shape[1] / photo_px[0], saliency.shape[0] / photo_px[1]
    box = (
        window.left * across,
        window.top * down,
        min((window.left + window.width) * across, saliency.shape[1]),
        min((window.top + window.height) * down, saliency.shape[0]),
    )
    size = max(1, round(window.width * across)), max(1, round(window.height * down))
    part = Image.fromarray(saliency).resize(size, Image.Resampling.BILINEAR, box)
    return np.array(part)  # numba compiles kernels again for read-only arrays
