"""Size of a JPEG (ITU-T T.81, annex B): from its frame header."""

import re
import struct
from collections.abc import Iterator
from typing import Final

from contract.errors import CorruptImageError, UnsupportedImageError
from contract.image_headers.steps import Steps

MAGIC: Final = b"\xff\xd8"
# Table B.1.
SOS: Final = 0xDA
# SOF0 to SOF15 without DHT, JPG and DAC.
FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Frames of a hierarchical file, and DHP, with which it begins (annex J).
HIERARCHICAL: Final = frozenset({0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF, 0xDE})
LOSSLESS, ARITHMETIC_LOSSLESS = 0xC3, 0xCB
# The frame of JPEG-LS (ISO/IEC 14495-1, C.1.2).
JPEG_LS: Final = 0xF7
# Bits per sample of T.81, table B.2. Frames that aren't named have 8, as decoders here do with them.
PRECISIONS: Final = {0xC1: (8, 12), 0xC2: (8, 12), LOSSLESS: tuple(range(2, 17))}
KNOWN_PRECISIONS: Final = range(2, 17)
# Markers without a segment: TEM, RES, RST0 to EOI; and JPG, JPG0 to JPG13, which have no meaning yet.
BARE: Final = frozenset({*range(0xC0), 0xC8, *range(0xD0, 0xDA), *range(0xF0, 0xFE)})
# A marker, but no fill byte and no escaped 0xFF.
MARKER: Final = re.compile(rb"\xff[^\x00\xff]")
# Garbage and fill bytes between segments, all together.
MAX_GAP_BYTES: Final = 64 * 1024


def read_size(data: bytes, steps: Steps) -> tuple[int, int]:
    """Return width and height of the frame before the first scan.

    Raises:
        UnsupportedImageError: when the frame is of a kind that no decoder here can read.
        CorruptImageError: when no scan with a frame is found, or a frame has a wrong length.
        struct.error: when a frame is truncated.
        TooManyStepsError: when there are too many segments.
    """
    size = None
    for marker, start, end in read_segments(data, steps):
        if marker in FRAMES or marker in HIERARCHICAL:
            precision, height_px, width_px, components = struct.unpack_from(">BHHB", data, start)
            if end - start != 6 + 3 * components:
                raise CorruptImageError("The JPEG's frame has a wrong length.")
            check_frame(marker, precision, height_px, components)
            size = width_px, height_px
    if size is None:
        raise CorruptImageError("The JPEG has no frame.")
    return size


def check_frame(marker: int, precision: int, height_px: int, components: int) -> None:
    """Check that a frame is of a kind that libjpeg-turbo decodes.

    Raises:
        UnsupportedImageError: when it is of another kind.
    """
    kind = None
    if marker in HIERARCHICAL:
        kind = "Hierarchical JPEGs"
    elif marker == ARITHMETIC_LOSSLESS:
        kind = "Lossless JPEGs with arithmetic coding"
    elif precision in KNOWN_PRECISIONS and precision not in PRECISIONS.get(marker, (8,)):
        kind = f"JPEGs of {precision} bits per sample with this compression"
    elif components not in {0, 1, 3, 4}:
        kind = f"JPEGs of {components} components"
    elif height_px == 0:
        kind = "JPEGs that state their height behind the pixels (DNL)"
    if kind is not None:
        raise UnsupportedImageError(f"{kind} are not supported.")


def read_segments(data: bytes, steps: Steps) -> Iterator[tuple[int, int, int]]:
    """Yield marker, start and end of each segment's content up to the first scan's header.

    A segment may end beyond the file.

    Raises:
        UnsupportedImageError: when it is a JPEG-LS file.
        CorruptImageError: when no scan is found.
        struct.error: when a segment has no length.
        TooManyStepsError: when there are too many segments.
    """
    position, gap_bytes = len(MAGIC), MAX_GAP_BYTES
    while found := MARKER.search(data, position, position + gap_bytes + 2):
        steps.take()
        marker = found[0][1]
        gap_bytes -= found.start() - position
        position = found.end()
        if marker == JPEG_LS:
            raise UnsupportedImageError("JPEG-LS files are not supported.")
        if marker in BARE:
            continue
        (length,) = struct.unpack_from(">H", data, position)
        end = position + max(length, 2)
        yield marker, position + 2, end
        if marker == SOS:
            return
        position = end
    raise CorruptImageError("The JPEG has no scan.")
