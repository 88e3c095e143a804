"""The reference: the baseline 4:2:0 JPEG with the tables of T.81 Annex K, as Pillow writes it."""

import os
import tempfile
from typing import IO

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def measure_reference(image: NDArray[np.uint8], quality: int) -> int:
    """Return the bytes of the reference of `image`, (h, w, 3) or (h, w), at `quality` 1..100."""
    # Pillow releases the interpreter lock only when it writes to a file descriptor, not to a Python
    # object.
    with open_scratch() as file:
        Image.fromarray(np.ascontiguousarray(image)).save(
            file, format="JPEG", quality=quality, subsampling="4:2:0"
        )
        return os.fstat(file.fileno()).st_size


def open_scratch() -> IO[bytes]:
    """Return an empty unnamed file, in memory where the system supports it (Linux)."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("reference"), "wb")
    return tempfile.TemporaryFile()
