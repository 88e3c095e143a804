"""The standard JPEG that a quality names: baseline, 4:2:0, Annex K tables, by Pillow's libjpeg."""

import os
import tempfile
from typing import IO

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def measure_reference(image: NDArray[np.uint8], quality: int) -> int:
    """Return the bytes of the reference of `image` at `quality`."""
    # Pillow holds the interpreter's lock for as long as it encodes into an object of Python's, and
    # lets go of it where there is a file descriptor: other threads wait a millisecond less.
    with open_scratch() as file:
        Image.fromarray(np.ascontiguousarray(image)).save(
            file, format="JPEG", quality=quality, subsampling="4:2:0"
        )
        return os.fstat(file.fileno()).st_size


def open_scratch() -> IO[bytes]:
    """Return an empty file without a name; in memory where the system has such files (Linux)."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("reference"), "wb")
    return tempfile.TemporaryFile()
