"""What HEIC and AVIF have in common: EXIF in an item, code points of colours, and parts of pictures."""

import struct
from typing import Final

from contract.errors import CorruptImageError
from contract.image_headers.boxes import Box, find_box
from contract.image_headers.heif_items import read_meta, read_references
from contract.image_headers.steps import Steps, TooManyStepsError
from worker.image.limits import LONGEST_EXIF_BYTES
from worker.image.samples import Cicp
from worker.image.segment_names import EXIF_NAME

# ITU-T H.273: unspecified; BT.709's primaries and sRGB's transfer, which then hold (ISO/IEC 23000-22,
# 7.3.6.4).
UNSPECIFIED, BT709_PRIMARIES, SRGB_TRANSFER = 2, 1, 13
BYTE_ORDERS: Final = (b"II*\0", b"MM\0*")


def complete_cicp(primaries: int, transfer: int) -> Cicp | None:
    """Return the code points of an ``nclx`` box; None if it leaves both open."""
    if primaries == transfer == UNSPECIFIED:
        return None
    return Cicp(
        BT709_PRIMARIES if primaries == UNSPECIFIED else primaries,
        SRGB_TRANSFER if transfer == UNSPECIFIED else transfer,
    )


def strip_exif(data: bytes | None) -> bytes | None:
    """Return EXIF without its name; None if it is none, or too long."""
    exif = (data or b"").removeprefix(EXIF_NAME)
    return exif if exif.startswith(BYTE_ORDERS) and len(exif) <= LONGEST_EXIF_BYTES else None


def has_part_twice(data: bytes) -> bool:
    """Return whether a picture is twice a part of grids or overlays; False if boxes are damaged."""
    steps = Steps()
    try:
        meta = find_box(data, Box(b"", 0, len(data)), b"meta", steps)
        iref = read_meta(data, meta, steps).get(b"iref") if meta else None
        references = list(read_references(data, iref, steps)) if iref else []
    except (struct.error, CorruptImageError, TooManyStepsError):
        return False
    parts = [part for kind, _, targets in references if kind == b"dimg" for part in targets]
    return len(set(parts)) < len(parts)
