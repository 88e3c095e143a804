"""The mark of our own files, by which a file that is sent again with the same settings is recognized.

Such a file is not coded again. Otherwise each pass would take the errors of the one before for the photo
and add its own. The mark is a comment with a checksum of the settings and of the rest of the file: a program
that edits the picture and keeps the comment makes it invalid. Anyone can write a valid one, and only gets
the file back unchanged.
"""

import base64
import zlib
from typing import Final

from codec.jpeg.syntax.segment import write_segment
from codec.settings import EncodeSettings

COM: Final = 0xFE
NAME: Final = b"Foveate"
CHECKSUM_BYTES: Final = 5
MARK_BYTES: Final = 4 + len(NAME) + CHECKSUM_BYTES
"""Bytes that the mark adds to a file: marker and length, name, checksum."""
HEAD: Final = bytes.fromhex("FFD8 FFE0 0010") + b"JFIF\0"
"""The first bytes of our files: SOI and JFIF's segment without a thumbnail."""
_OFFSET: Final = 2 + 18
"""Where the mark begins, in bytes: behind SOI and JFIF's segment."""
_DENSITY: Final = slice(13, 18)
"""Where JFIF's density stands, in bytes. It is metadata: our files may get another one."""
_NO_DENSITY: Final = bytes.fromhex("00 0001 0001")


def add_mark(jpeg: bytes, settings: EncodeSettings) -> bytes:
    """Return a file of ours without metadata, with the mark for `settings`."""
    payload = NAME + compute_checksum(jpeg, settings)
    segment = write_segment(COM, payload)
    return jpeg[:_OFFSET] + segment + jpeg[_OFFSET:]


def compute_checksum(jpeg: bytes, settings: EncodeSettings) -> bytes:
    """Return the checksum of a file without metadata and mark, and of the settings it was made with.

    It is 30 bits of a CRC-32, as text of base64. `max_bytes` does not count: a file that is short enough meets
    it. Nor does JFIF's density.
    """
    options = (
        settings.target,
        settings.quality,
        settings.least_quality,
        float(settings.strength),
        settings.subsampling,
        settings.progressive,
        settings.tune,
    )
    checksum = zlib.crc32(repr(options).encode("ascii"))
    rest = memoryview(jpeg)[_DENSITY.stop :]
    for part in (jpeg[: _DENSITY.start], _NO_DENSITY, rest):
        checksum = zlib.crc32(part, checksum)
    return base64.urlsafe_b64encode(checksum.to_bytes(4, "big"))[:CHECKSUM_BYTES]
