"""Which images are accepted: formats, by Pillow's names, and the limits on them."""

import io
from typing import Final

# Front end and worker open with the same list, so that what was probed is what is decoded.
# JPEG takes in MPO, which phones write: a JPEG that carries more pictures behind the first.
IMAGE_FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")

NOT_AN_IMAGE: Final = "The content is not a JPEG, PNG, WebP, AVIF, GIF, BMP or TIFF image."

# ITU-T T.81, B.2.2: X and Y are 16 bits wide; libjpeg stops at 65,500.
MAX_SIDE_PX: Final = 65_500

DEFAULT_MAX_UPLOAD_BYTES: Final = 64 * 1024 * 1024
DEFAULT_MAX_PIXELS: Final = 50_000_000

# An honest header takes some dozens of reads and its pixels one for some kilobytes. Made of
# millions of empty chunks or fill bytes it would keep a reader busy for a minute.
FREE_READS: Final = 50_000
BYTES_PER_READ: Final = 512


class TooManyReadsError(OSError):
    """A file is built to be read in tiny pieces."""


class ImageFile(io.BytesIO):
    """An upload as a file whose readers may not take it apart in too many pieces."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._reads_left = FREE_READS + len(data) // BYTES_PER_READ

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next ``size`` bytes.

        Raises:
            TooManyReadsError: when the file's share of reads is used up.
        """
        self._reads_left -= 1
        if self._reads_left < 0:
            raise TooManyReadsError("too many reads")
        return super().read(size)
