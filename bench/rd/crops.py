"""Crops of photos around the most salient place, for visual comparison."""

import io
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

# Side of the square crop, which is shown enlarged.
CROP_PX: Final = 144


def locate_crop(heat: NDArray[Any]) -> tuple[int, int]:
    """Return the (left, top) of the crop around the hottest place of a map in 0..1.

    The map has the photo's size. The corner of a photo smaller than the crop is (0, 0).
    """
    # Blur at the size of the crop: its mean decides, not a single pixel.
    grey = Image.fromarray(np.uint8(np.clip(heat, 0, 1) * 255))
    blurred = np.asarray(grey.filter(ImageFilter.BoxBlur(CROP_PX / 4)))
    centre_y, centre_x = np.unravel_index(int(blurred.argmax()), blurred.shape)
    height, width = blurred.shape
    left = max(min(int(centre_x) - CROP_PX // 2, width - CROP_PX), 0)
    top = max(min(int(centre_y) - CROP_PX // 2, height - CROP_PX), 0)
    return left, top


def crop(picture: Image.Image, corner: tuple[int, int]) -> Image.Image:
    """Return the piece at that (left, top)."""
    left, top = corner
    right, bottom = min(left + CROP_PX, picture.width), min(top + CROP_PX, picture.height)
    return picture.crop((left, top, right, bottom))


def cut_crop(picture: NDArray[np.uint8], corner: tuple[int, int]) -> bytes:
    """Return the piece at that (left, top) as a PNG."""
    file = io.BytesIO()
    crop(Image.fromarray(picture), corner).save(file, format="PNG", optimize=True)
    return file.getvalue()
