"""A confined decoder whose reader does what the upload says: for tests of faults."""

import ctypes
import os
import sys
import threading

import numpy as np

from contract.errors import CorruptImageError
from worker.image.confined.__main__ import STDIN, main
from worker.image.samples import Samples, StoredPhoto


def read(data: bytes) -> StoredPhoto:
    """Return one pixel, or fail as ``data`` says."""
    match data.partition(b" ")[0]:
        case b"damaged":
            raise CorruptImageError("Just damaged.")
        case b"defect":
            raise RuntimeError
        case b"crash":
            ctypes.string_at(0)
        case b"memory":
            bytearray(1 << 40)
        case b"abort":
            # As a library that finds no memory.
            os.abort()
        case b"hang":
            threading.Semaphore(0).acquire()
        case b"spin":
            while True:
                pass
        case b"garbage":
            # The answers' pipe is the one that was opened first.
            os.write(STDIN + 3, b"\0\0\0\x09 no json ")
        case b"exit":
            os._exit(0)
    pixel = np.array([[[len(data) % 256, 2, 3]]], np.uint8)
    return StoredPhoto(Samples(pixel, "rgb"))


if __name__ == "__main__":
    sys.exit(main({"HEIC": read}))
