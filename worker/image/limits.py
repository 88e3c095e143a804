"""Checks an upload before Pillow opens it: decoding then takes memory by its pixels and bytes only.

The front end has checked format and size already. Here they are checked again, because the worker does
not trust the queue, together with what only a decoder allocates.
"""

import io
import re
import struct
from typing import Final

from PIL import Image

from contract.errors import CorruptImageError
from contract.image_headers import jpeg, tiff
from contract.image_headers.read import ImageHeader, check_size, read_header
from contract.image_headers.steps import Steps, TooManyStepsError
from worker.image.avif_limits import check_avif

# Pillow's readers take some dozens of reads for a header and one for a few kilobytes of pixels. With
# millions of empty chunks or fill bytes in a file, they would read for a minute.
FREE_READS: Final = 50_000
BYTES_PER_READ: Final = 512
# They read metadata several times, pixels once. The tags of a TIFF may all be the same megabytes.
FREE_BYTES: Final = 1024 * 1024
READS_PER_BYTE: Final = 8

# Encoders write about 10 scans.
MAX_SCANS: Final = 200
START_OF_SCAN, END_OF_IMAGE = b"\xff\xda", b"\xff\xd9"
# A marker, but no fill byte, escaped 0xFF or RSTn.
MARKER: Final = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")

# The values of EXIF become objects, as those of a TIFF's tags do.
LONGEST_EXIF_BYTES: Final = 1024 * 1024
# Where Pillow keeps it: as bytes, or as a PNG's text of hexadecimal digits.
EXIF_KEYS: Final = ("exif", "Raw profile type exif")

# TIFF 6.0, section 15. A tile may be larger than the image, up to this size.
TILE_WIDTH, TILE_LENGTH = 322, 323
SMALL_TILE_PIXELS: Final = 1 << 20
# Bytes of a value, by type. Pillow makes an object of up to 250 bytes of each, and of each strip
# another; not of BYTE, ASCII and UNDEFINED, which are left out here.
VALUE_BYTES: Final = {3: 2, 4: 4, 5: 8, 6: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
# A photo of 65,500 rows with a strip for each has two values for each.
MAX_TAG_VALUES: Final = 1 << 19
# EXIF 2.32, 4.6.3: directories for EXIF, GPS and interoperability.
DIRECTORIES: Final = frozenset({0x8769, 0x8825, 0xA005})


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
        if header.format == "TIFF":
            check_tags(data, header)
            check_values(data)
        elif header.format == "JPEG":
            check_scans(data)
        elif header.format == "AVIF":
            check_avif(data, max_pixels, LONGEST_EXIF_BYTES)
    except TooManyStepsError as error:
        raise CorruptImageError("The image's header has too many pieces.") from error
    except struct.error as error:
        raise CorruptImageError("The image's header is damaged.") from error
    return header


def drop_long_exif(image: Image.Image) -> None:
    """Remove EXIF of more than a megabyte from an image that Pillow has opened."""
    for key in EXIF_KEYS:
        if len(image.info.get(key, "")) > LONGEST_EXIF_BYTES:
            del image.info[key]


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


def check_tags(data: bytes, header: ImageHeader) -> None:
    """Check a TIFF's tile size: Pillow allocates whole tiles, even for a small image.

    Raises:
        CorruptImageError: when a tile is far larger than the image.
        struct.error: when the directory is truncated.
        TooManyStepsError: when there are too many tags.
    """
    tile = {TILE_WIDTH: 0, TILE_LENGTH: 0}
    for tag in tiff.read_tags(data, Steps()):
        if tag.number in tile and tag.type in tiff.INTEGERS:
            tile[tag.number] = max(tile[tag.number], tiff.read_integer(data, tag))
    tile_pixels = tile[TILE_WIDTH] * tile[TILE_LENGTH]
    if tile_pixels > max(SMALL_TILE_PIXELS, 4 * header.width_px * header.height_px):
        raise CorruptImageError("The image's tiles are larger than the image.")


def check_values(data: bytes) -> None:
    """Check the number of values in a TIFF's first directory and those of its metadata.

    Raises:
        CorruptImageError: when there are too many.
        struct.error: when the first directory is truncated.
        TooManyStepsError: when there are too many tags.
    """
    steps, values = Steps(), 0
    starts: list[int | None] = [None]
    for start in starts:
        try:
            for tag in tiff.read_tags(data, steps, start):
                # Values that don't fit into the file are never read.
                if tag.value_count * VALUE_BYTES.get(tag.type, len(data)) <= len(data):
                    values += tag.value_count
                if tag.number in DIRECTORIES and tag.type in tiff.INTEGERS:
                    starts.append(tiff.read_integer(data, tag))
        except struct.error:
            if start is None:
                raise
    if values > MAX_TAG_VALUES:
        raise CorruptImageError("The image's tags have too many values.")
