"""A confined decoder whose reader does what the upload says: for tests of faults."""

import ctypes
import os
import sys
import threading
from collections.abc import Callable

import numpy as np

from contract.errors import CorruptImageError
from worker.image.confined.__main__ import main
from worker.image.samples import Samples, StoredPhoto


def read(data: bytes) -> StoredPhoto:
    """Return one pixel, or fail as ``data`` says."""
    if fault := FAULTS.get(data):
        fault()
    pixel = np.array([[[len(data) % 256, 2, 3]]], np.uint8)
    return StoredPhoto(Samples(pixel, "rgb"))


def be_damaged() -> None:
    """Refuse the upload."""
    raise CorruptImageError("Just damaged.")


def spin() -> None:
    """Use all the time on a core."""
    while True:
        pass


FAULTS: dict[bytes, Callable[[], object]] = {
    b"damaged": be_damaged,
    b"defect": lambda: {}["a"],
    b"crash": lambda: ctypes.string_at(0),
    b"memory": lambda: bytearray(1 << 40),
    # As a library that finds no memory.
    b"abort": os.abort,
    b"hang": lambda: threading.Semaphore(0).acquire(),
    b"spin": spin,
    # The answers' pipe was opened next after the three that each process has.
    b"garbage": lambda: os.write(3, b"\0\0\0\x09 no json "),
    b"exit": lambda: os._exit(0),
}


if __name__ == "__main__":
    sys.exit(main({"HEIC": read}))
