"""Reads the orientation of EXIF."""

import struct
from typing import Final

from contract.image_headers import tiff
from contract.image_headers.steps import Steps, TooManyStepsError

ORIENTATION: Final = 0x0112
BYTE_ORDERS: Final = (b"II*\0", b"MM\0*")


def read_orientation(exif: bytes | None) -> int:
    """Return the orientation (EXIF 2.32, tag 0x0112), 1 to 8, of any integer type; 1 if there is none."""
    if exif is None or not exif.startswith(BYTE_ORDERS):
        return 1
    try:
        for tag in tiff.read_tags(exif, Steps()):
            if tag.number == ORIENTATION and tag.type in tiff.INTEGERS and tag.value_count > 0:
                orientation = tiff.read_integer(exif, tag)
                return orientation if orientation in range(1, 9) else 1
    except (struct.error, TooManyStepsError):
        pass  # a damaged directory
    return 1
