"""Checks an upload before it is decoded: decoding then takes memory by its pixels and bytes only.

The front end has checked format and size already. Here they are checked again, because the worker does
not trust the queue, together with what only a decoder allocates.
"""

import io
import re
import struct
from typing import Final

from PIL import Image

from contract.errors import CorruptImageError
from contract.image_headers import jpeg
from contract.image_headers.read import ImageHeader, check_size, read_header
from contract.image_headers.steps import Steps, TooManyStepsError
from worker.image.avif_limits import check_avif
from worker.image.heic_limits import check_heic

# Readers take some dozens of reads or chunks for a header, and one for a few kilobytes of pixels. With
# millions of empty chunks or fill bytes in a file, they would read for a minute.
FREE_READS: Final = 50_000
BYTES_PER_READ: Final = 512
# They read metadata several times, pixels once.
FREE_BYTES: Final = 1024 * 1024
READS_PER_BYTE: Final = 8

# Encoders write about 10 scans.
MAX_SCANS: Final = 200
START_OF_SCAN, END_OF_IMAGE = b"\xff\xda", b"\xff\xd9"
# A marker, but no fill byte, escaped 0xFF or RSTn.
MARKER: Final = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")

# The values of EXIF become objects.
LONGEST_EXIF_BYTES: Final = 1024 * 1024


def limit_pillow(max_pixels: int) -> None:
    """Let Pillow refuse more than twice ``max_pixels`` where it allocates, in the whole process.

    It may read a damaged file in another way than ``read_header``.
    """
    Image.MAX_IMAGE_PIXELS = max_pixels


class TooManyReadsError(OSError):
    """A file takes far more reads than others of its size."""


class ImageFile(io.BytesIO):
    """An upload as a file that allows limited numbers of reads and of bytes read."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._reads_left = FREE_READS + len(data) // BYTES_PER_READ
        self._bytes_left = FREE_BYTES + len(data) * READS_PER_BYTE

    def read(self, size: int | None = None, /) -> bytes:
        """Return the next ``size`` bytes.

        Raises:
            TooManyReadsError: when a limit for a file of this size is reached.
        """
        data = super().read(size)
        self._reads_left -= 1
        self._bytes_left -= len(data)
        if self._reads_left < 0 or self._bytes_left < 0:
            raise TooManyReadsError("too many reads")
        return data


def check_limits(data: bytes, max_pixels: int) -> ImageHeader:
    """Return format and size of the image in ``data``.

    Raises:
        UnsupportedImageError: when ``data`` is not an image of a supported format.
        TooManyPixelsError: when the image has more than ``max_pixels``, or a side over 65,500.
        CorruptImageError: when the header is damaged, or decoding would take far more than the pixels.
    """
    try:
        header = read_header(data)
        check_size(header, max_pixels)
        if header.format == "JPEG":
            check_scans(data)
        elif header.format == "AVIF":
            check_avif(data, max_pixels)
        elif header.format == "HEIC":
            check_heic(data, max_pixels)
    except TooManyStepsError as error:
        raise CorruptImageError("The image's header has too many pieces.") from error
    except struct.error as error:
        raise CorruptImageError("The image's header is damaged.") from error
    return header


def check_scans(data: bytes) -> None:
    """Check the number of a JPEG's scans: each may be short, and still costs a pass over all blocks.

    Raises:
        CorruptImageError: when there are too many.
        TooManyStepsError: when there are too many segments.
    """
    # The bytes of a marker may also be in metadata, or behind the end.
    if data.count(START_OF_SCAN) <= MAX_SCANS:
        return
    steps, scans, position = Steps(), 0, 0
    while (found := MARKER.search(data, position)) and found[0] != END_OF_IMAGE:
        steps.take()
        scans += found[0] == START_OF_SCAN
        if scans > MAX_SCANS:
            raise CorruptImageError("The image has too many scans.")
        position = found.end()
        if found[0][1] not in jpeg.BARE:
            position += int.from_bytes(data[position : position + 2], "big")
