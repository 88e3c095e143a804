"""The standard JPEG that a quality names: baseline, 4:2:0, Annex K tables, by Pillow's libjpeg."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def measure_reference(image: NDArray[np.uint8], quality: int) -> int:
    """Return the bytes of the reference of `image` at `quality`."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, format="JPEG", quality=quality, subsampling="4:2:0")
    return file.getbuffer().nbytes
