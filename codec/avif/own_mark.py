"""The mark of our own AVIFs, by which a file that is sent again with the same options is recognized.

It is a `free` box at the end (ISO 14496-12, 8.1.2), with a checksum of the options and of what is before it.
As in JPEGs (`codec.jpeg.syntax.own_mark`), it is no secret: who writes a valid one gets the file back.
"""

import zlib
from typing import Final

from codec.settings import EncodeSettings

NAME: Final = b"Foveate"
CHECKSUM_BYTES: Final = 4
MARK_BYTES: Final = 8 + len(NAME) + CHECKSUM_BYTES
"""Bytes that the mark adds to a file: the box's header, name, checksum."""
_HEAD: Final = MARK_BYTES.to_bytes(4, "big") + b"free" + NAME


def add_mark(avif: bytes, settings: EncodeSettings, label: str) -> bytes:
    """Return a file of ours with the mark for `settings` and a `label` of what else it was made with."""
    return avif + _HEAD + compute_checksum(avif, settings, label)


def has_mark(avif: bytes, settings: EncodeSettings, label: str) -> bool:
    """Return whether a file ends with a valid mark for `settings` and `label`."""
    file, mark = avif[:-MARK_BYTES], avif[-MARK_BYTES:]
    return mark.startswith(_HEAD) and mark.endswith(compute_checksum(file, settings, label))


def compute_checksum(avif: bytes, settings: EncodeSettings, label: str) -> bytes:
    """Return the CRC-32 of the options and the file.

    `max_bytes` does not count: a file that is short enough meets it. Nor does `progressive`.
    """
    options = (
        settings.target,
        settings.quality,
        settings.least_quality,
        float(settings.strength),
        settings.subsampling,
        settings.tune,
        label,
    )
    checksum = zlib.crc32(avif, zlib.crc32(repr(options).encode()))
    return checksum.to_bytes(CHECKSUM_BYTES, "big")
