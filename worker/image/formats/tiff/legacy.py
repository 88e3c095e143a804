"""Reads compressions of the 1990s with libtiff, which alone knows them, in 8 bits."""

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from contract.errors import CorruptImageError
from worker.image.formats.tiff.directory import Directory
from worker.image.formats.tiff.layout import PALETTE, Layout
from worker.image.formats.tiff.positions import find_segments

# Orientations that libtiff mirrors left to right, and top to bottom.
MIRRORED, FLIPPED = frozenset({2, 3, 6, 7}), frozenset({3, 4, 7, 8})


def read_legacy(directory: Directory, layout: Layout, orientation: int) -> NDArray[np.uint8]:
    """Return the photo, (height, width, 1 or 3), not rotated; transparency is ignored.

    libtiff fills what a damaged strip leaves open.

    Raises:
        CorruptImageError: when it is truncated or damaged.
    """
    file_bytes = len(directory.data)
    if any(segment.offset >= file_bytes for segment in find_segments(directory, layout)):
        raise CorruptImageError("The TIFF is truncated.")
    decoded: NDArray[np.uint8] = imagecodecs.tiff_decode(directory.data, index=0, asrgb=True)
    if decoded.shape != (layout.height_px, layout.width_px, 4) or decoded.dtype != np.uint8:
        raise CorruptImageError("The TIFF's size is not the one of its header.")
    mirror = -1 if orientation in MIRRORED else 1
    flip = -1 if orientation in FLIPPED else 1
    channels = 1 if layout.colours == 1 and layout.photometric != PALETTE else 3
    return decoded[::flip, ::mirror, :channels]
