"""Decodes strips and tiles that are JPEGs (TIFF Technical Note 2) or WebPs."""

import contextlib
import io
import struct
from typing import Any, Final, NamedTuple

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import JpegImagePlugin

from contract.errors import CorruptImageError, UnsupportedImageError
from contract.image_headers import jpeg, webp
from contract.image_headers.steps import Steps
from worker.image.limits import MAX_SCANS, START_OF_SCAN

START, END = b"\xff\xd8", b"\xff\xd9"
# DHT, DQT, DRI and frame headers. Application segments are left out, since they could change colours.
KEPT: Final = jpeg.FRAMES | {0xC4, 0xDB, 0xDD}
LOSSLESS: Final = frozenset({0xC3, 0xC7, 0xCB, 0xCF})
# Says whether three components are RGB (0) or YCbCr (1): T.872, 6.5.3.
ADOBE: Final = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00"


class Frame(NamedTuple):
    """A JPEG's frame header (T.81, B.2.2)."""

    marker: int
    bits: int
    height_px: int
    width_px: int
    components: int


def decode_jpeg(
    encoded: bytes, tables: bytes, samples: int, most_pixels: int, *, is_ycbcr: bool
) -> NDArray[Any]:
    """Return the samples of a strip or tile, (height, width, samples); YCbCr is converted to RGB.

    Raises:
        CorruptImageError: when it is damaged, truncated, or has other components than the TIFF says.
        UnsupportedImageError: when it has two components.
        struct.error: when its header is truncated.
        TooManyStepsError: when its header has too many pieces.
    """
    frame, header, scans = split_jpeg(encoded, tables)
    if frame.width_px * frame.height_px > most_pixels or frame.components != samples:
        raise CorruptImageError("A JPEG in the TIFF does not fit its strip or tile.")
    decoded: NDArray[Any]
    if frame.bits == 8 and frame.marker not in LOSSLESS:
        if samples == 2:
            raise UnsupportedImageError("A JPEG of two components in a TIFF is not supported.")
        colours = ADOBE + bytes((is_ycbcr,)) if samples == 3 else b""
        image = JpegImagePlugin.JpegImageFile(io.BytesIO(START + colours + header + scans))
        # Pillow inverts four components, as Photoshop has them in a file of their own.
        decoded = np.invert(np.asarray(image)) if samples == 4 else np.asarray(image)
        return decoded.reshape(frame.height_px, frame.width_px, samples)
    if not scans.rstrip(b"\0").endswith(END):
        raise CorruptImageError("A JPEG in the TIFF is truncated.")
    colour_space = {1: "grayscale", 3: "ycbcr" if is_ycbcr else "rgb", 4: "cmyk"}.get(samples)
    decoded = imagecodecs.jpeg_decode(
        START + header + scans,
        bitspersample=frame.bits,
        colorspace=colour_space,
        outcolorspace="rgb" if is_ycbcr else colour_space,
    )
    return decoded.reshape(frame.height_px, frame.width_px, samples)


def split_jpeg(encoded: bytes, tables: bytes) -> tuple[Frame, bytes, bytes]:
    """Return the frame header, all segments to keep, and the scans with what is between them.

    Raises:
        CorruptImageError: when there is no frame or scan, or there are too many scans.
    """
    steps, header, frame, position = Steps(), b"", None, 2
    with contextlib.suppress(CorruptImageError, struct.error):  # tables end without a scan
        for marker, start, end in jpeg.read_segments(tables, steps):
            header += tables[start - 4 : end] if marker in KEPT else b""
    for marker, start, end in jpeg.read_segments(encoded, steps):
        if marker == jpeg.SOS:
            position = start - 4
            break
        header += encoded[start - 4 : end] if marker in KEPT else b""
        if marker in jpeg.FRAMES:
            frame = Frame(marker, *struct.unpack_from(">BHHB", encoded, start))
        position = end
    if frame is None:
        raise CorruptImageError("A JPEG in the TIFF has no frame.")
    scans = encoded[encoded.index(START_OF_SCAN, position) :]
    if scans.count(START_OF_SCAN) > MAX_SCANS:
        raise CorruptImageError("A JPEG in the TIFF has too many scans.")
    return frame, header, scans


def decode_webp(encoded: bytes, samples: int, most_pixels: int) -> NDArray[Any]:
    """Return the samples of a strip or tile, (height, width, samples) of uint8.

    Raises:
        CorruptImageError: when it is damaged, or larger than its strip or tile.
        struct.error: when its header is truncated.
    """
    width, height = webp.read_size(encoded, Steps())
    if width * height > most_pixels or samples not in {3, 4}:
        raise CorruptImageError("A WebP in the TIFF does not fit its strip or tile.")
    decoded: NDArray[Any] = imagecodecs.webp_decode(encoded, hasalpha=samples == 4)
    return decoded.reshape(height, width, samples)
