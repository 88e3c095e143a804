"""The choice of `subsampling=auto`: 4:2:0, or 4:4:4 where 4:2:0 would blur coloured edges.

4:2:0 damages coloured text, charts and logos, even with many bits. Photos lose little except grain,
which is hardly visible. So only errors that stand out within their block are counted, such as those at
edges.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.jit import kernel
from codec.jpeg.transform.chroma_resampling import subsample_plane, upsample
from codec.jpeg.transform.color import convert_rgb
from codec.settings import Subsampling

LEAST_LOSS: Final = 3.0
"""Squared error per pixel from which 4:4:4 is chosen. Fitted on 20 photos of OSIE at half size and 36
generated graphics, by SSIMULACRA2 at equal bytes (docs/research/encoder.md); 350 photos of OSIE have at
most 1.1, coloured graphics 4 to 300."""

# Mean square over squared mean magnitude. It is π/2 for normally distributed errors in one dimension,
# and less in two; single errors in a block have a much larger ratio.
_GRAIN_RATIO = np.float32(1.6)
_BLOCK_PX = 16
_BAND_PX = 2 * _BLOCK_PX
_LEAST_BANDS = 5  # number of bands of an image that are measured, evenly spread


def is_subsampled(image: NDArray[np.uint8], subsampling: Subsampling) -> bool:
    """Return whether `image`, (h, w, 3) or grey (h, w), becomes 4:2:0."""
    if subsampling != "auto":
        return subsampling == "420"
    return image.ndim == 2 or measure_loss(image) < LEAST_LOSS


def measure_loss(image: NDArray[np.uint8]) -> float:
    """Return the squared error per pixel, of Cb and Cr together, that 4:2:0 causes at edges.

    The `image` is (h, w, 3) sRGB. Of each 16×16 block, the part beyond that of grain counts.
    """
    total = 0.0
    pixels = 0
    for top in range(
        0, image.shape[0], _BAND_PX * max(image.shape[0] // (_BAND_PX * _LEAST_BANDS), 1)
    ):
        band = image[top : top + _BAND_PX]
        height, width = (side + side % 2 for side in band.shape[:2])
        _, cb, cr = convert_rgb(band, height, width)
        total += _sum_losses(cb, cr, upsample(subsample_plane(cb)), upsample(subsample_plane(cr)))
        pixels += height * width
    return total / pixels


@kernel
def _sum_losses(
    cb: NDArray[np.float32],
    cr: NDArray[np.float32],
    shown_cb: NDArray[np.float32],
    shown_cr: NDArray[np.float32],
) -> float:
    height, width = cb.shape
    squares = np.empty(width, np.float32)
    magnitudes = np.empty(width, np.float32)
    total = 0.0
    for top in range(0, height, _BLOCK_PX):
        bottom = min(top + _BLOCK_PX, height)
        squares[:] = 0
        magnitudes[:] = 0
        for y in range(top, bottom):
            for x in range(width):
                error_cb = cb[y, x] - shown_cb[y, x]
                error_cr = cr[y, x] - shown_cr[y, x]
                square = error_cb * error_cb + error_cr * error_cr
                squares[x] += square
                magnitudes[x] += np.sqrt(square)
        for left in range(0, width, _BLOCK_PX):
            right = min(left + _BLOCK_PX, width)
            magnitude = magnitudes[left:right].sum()
            grain = _GRAIN_RATIO * magnitude * magnitude / ((bottom - top) * (right - left))
            total += max(squares[left:right].sum() - grain, 0.0)
    return total
