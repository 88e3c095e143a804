"""sRGB to YCbCr, full range, as JFIF 1.02 (ITU-T T.871, clause 7) defines it."""

import numpy as np
from numpy.typing import NDArray

from codec.jit import kernel

LEVEL_SHIFT = 128.0


def convert_grey(
    image: NDArray[np.uint8], padded_height: int, padded_width: int
) -> NDArray[np.float32]:
    """Return the level-shifted plane of (h, w) grey, with edges replicated to the padded size."""
    plane = np.empty((padded_height, padded_width), np.float32)
    height, width = image.shape
    np.subtract(image, np.float32(LEVEL_SHIFT), out=plane[:height, :width], dtype=np.float32)
    _replicate_edges(plane, height, width)
    return plane


def convert_rgb(
    image: NDArray[np.uint8], padded_height: int, padded_width: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return Y, Cb and Cr planes of (h, w, 3) sRGB, centred on zero, edges replicated to the padded size."""
    planes = (
        np.empty((padded_height, padded_width), np.float32),
        np.empty((padded_height, padded_width), np.float32),
        np.empty((padded_height, padded_width), np.float32),
    )
    height, width, _ = image.shape
    # The kernel is compiled for one type of array, whoever owns the pixels.
    image = image.view()
    image.flags.writeable = False
    _fill_ycbcr(image, *planes)
    for plane in planes:
        _replicate_edges(plane, height, width)
    return planes


def _replicate_edges(plane: NDArray[np.float32], height: int, width: int) -> None:
    plane[:height, width:] = plane[:height, width - 1 : width]
    plane[height:] = plane[height - 1]


@kernel
def _fill_ycbcr(
    image: NDArray[np.uint8],
    luma: NDArray[np.float32],
    cb: NDArray[np.float32],
    cr: NDArray[np.float32],
) -> None:
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            red = np.float32(image[y, x, 0])
            green = np.float32(image[y, x, 1])
            blue = np.float32(image[y, x, 2])
            value = np.float32(0.299) * red + np.float32(0.587) * green + np.float32(0.114) * blue
            luma[y, x] = value - np.float32(128.0)
            cb[y, x] = (blue - value) * np.float32(1.0 / 1.772)
            cr[y, x] = (red - value) * np.float32(1.0 / 1.402)
