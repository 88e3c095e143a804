"""What `subsampling=auto` means for a picture: 4:2:0, or 4:4:4 where halving would blur coloured edges.

Coloured text, charts, logos lose by 4:2:0 what no bits bring back. Photos lose little, and grain that
they lose is not missed: what counts is errors that stand out of their block, as edges leave them.
Fitted on OSIE photos and generated graphics, judged by SSIMULACRA2 at equal bytes (docs/codec.md).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.jit import kernel
from codec.jpeg.transform.chroma_resampling import restore, subsample_plane
from codec.jpeg.transform.color import convert_rgb
from codec.settings import Subsampling

LEAST_LOSS: Final = 3.0
"""Squared error per pixel from which 4:4:4 pays: 350 halved photos have at most 1.1, 99 % of them
less than 0.7; graphics with colours have 4 to 300."""

# Mean square over squared mean of magnitudes: at most π/2 for errors of a normal distribution, in
# one or two dimensions. Grain stays below, lone errors are far above.
_GRAIN = np.float32(1.6)
_BLOCK_PX = 16
_BAND_PX = 2 * _BLOCK_PX
_BANDS = 5  # of a picture that are looked at, at least; evenly spread


def is_subsampled(image: NDArray[np.uint8], subsampling: Subsampling) -> bool:
    """Return whether `image`, (h, w, 3) or grey (h, w), becomes 4:2:0."""
    if subsampling != "auto":
        return subsampling == "420"
    return image.ndim == 2 or measure_loss(image) < LEAST_LOSS


def measure_loss(image: NDArray[np.uint8]) -> float:
    """Return the squared error per pixel, of Cb and Cr together, by which edges suffer from 4:2:0.

    Of each 16×16 block of (h, w, 3) sRGB what goes beyond grain counts.
    """
    total = 0.0
    pixels = 0
    for top in range(0, image.shape[0], _BAND_PX * max(image.shape[0] // (_BAND_PX * _BANDS), 1)):
        band = image[top : top + _BAND_PX]
        height, width = (side + side % 2 for side in band.shape[:2])
        _, cb, cr = convert_rgb(band, height, width)
        total += _sum_losses(cb, cr, restore(subsample_plane(cb)), restore(subsample_plane(cr)))
        pixels += height * width
    return total / pixels


@kernel
def _sum_losses(
    cb: NDArray[np.float32],
    cr: NDArray[np.float32],
    restored_cb: NDArray[np.float32],
    restored_cr: NDArray[np.float32],
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
                error_cb = cb[y, x] - restored_cb[y, x]
                error_cr = cr[y, x] - restored_cr[y, x]
                square = error_cb * error_cb + error_cr * error_cr
                squares[x] += square
                magnitudes[x] += np.sqrt(square)
        for left in range(0, width, _BLOCK_PX):
            right = min(left + _BLOCK_PX, width)
            magnitude = magnitudes[left:right].sum()
            grain = _GRAIN * magnitude * magnitude / ((bottom - top) * (right - left))
            total += max(squares[left:right].sum() - grain, 0.0)
    return total
