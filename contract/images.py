"""Accepted images: the formats by Pillow's names, and their limits."""

import io
from typing import Final

# Front end and worker open uploads with this list, so that both detect the same format.
# JPEG includes MPO, which phones write: a JPEG followed by further pictures.
IMAGE_FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")

# Major brands of HEIC files (ISO/IEC 23008-12, annex B). Pillow has no decoder for them.
HEIC_BRANDS: Final = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
)
NOT_AN_IMAGE: Final = "The content is not a JPEG, PNG, WebP, AVIF, GIF, BMP or TIFF image."

# ITU-T T.81, B.2.2: X and Y have 16 bits; libjpeg allows at most 65,500.
MAX_SIDE_PX: Final = 65_500

DEFAULT_MAX_UPLOAD_BYTES: Final = 64 * 1024 * 1024
DEFAULT_MAX_PIXELS: Final = 50_000_000

# Pillow's readers take some dozens of reads for a header and one for a few kilobytes of pixels. With
# millions of empty chunks or fill bytes in a file, they would read for a minute.
FREE_READS: Final = 50_000
BYTES_PER_READ: Final = 512


class TooManyReadsError(OSError):
    """A file takes far more reads than others of its size."""


class ImageFile(io.BytesIO):
    """An upload as a file that allows a limited number of reads."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._reads_left = FREE_READS + len(data) // BYTES_PER_READ

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next ``size`` bytes.

        Raises:
            TooManyReadsError: when the limit for a file of this size is reached.
        """
        self._reads_left -= 1
        if self._reads_left < 0:
            raise TooManyReadsError("too many reads")
        return super().read(size)
