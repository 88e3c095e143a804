"""Splits a JPEG's header into what decoding needs and what the rest says.

Decoders then never see metadata, garbage or fill bytes: damage there can't refuse a photo.
"""

from typing import Final

from contract.image_headers.jpeg import FRAMES, MAGIC, SOS, read_segments
from contract.image_headers.steps import Steps

APP0, APP14, APP15 = 0xE0, 0xEE, 0xEF
# DHT, DAC, SOS, DQT and DRI.
NEEDED: Final = FRAMES | {0xC4, 0xCC, SOS, 0xDB, 0xDD}
# Both tell of the components' colours, if they are long enough (libjpeg, jdmarker.c). A JFIF segment
# is written without its thumbnail.
JFIF, JFIF_BYTES = b"JFIF\0", 14
ADOBE, ADOBE_BYTES = b"Adobe", 12


def split(data: bytes) -> tuple[bytes, list[tuple[int, bytes]]]:
    """Return a JPEG as decoders need it, and marker and content of its APPn segments.

    Only what comes before the first scan is split.

    Raises:
        UnsupportedImageError, CorruptImageError, struct.error, TooManyStepsError: as `read_segments`.
    """
    parts: list[bytes | memoryview] = [MAGIC]
    applications: list[tuple[int, bytes]] = []
    scans = len(MAGIC)
    for marker, start, end in read_segments(data, Steps()):
        scans = end
        if marker in NEEDED:
            parts += [bytes((0xFF, marker)), data[start - 2 : end]]
        elif APP0 <= marker <= APP15:
            content = data[start:end]
            applications.append((marker, content))
            parts.append(keep_colours(marker, content))
    parts.append(memoryview(data)[scans:])
    return b"".join(parts), applications


def find_frame(jpeg: bytes) -> int:
    """Return the marker of a JPEG's frame; that of the last one, if there are several before a scan.

    Raises:
        UnsupportedImageError, CorruptImageError, struct.error, TooManyStepsError: as `read_segments`.
        IndexError: when there is none.
    """
    return list_frames(jpeg)[-1][0]


def read_precision(jpeg: bytes) -> int:
    """Return the bits per sample of the frame that `find_frame` finds.

    Raises:
        UnsupportedImageError, CorruptImageError, struct.error, TooManyStepsError: as `read_segments`.
        IndexError: when there is none.
    """
    return jpeg[list_frames(jpeg)[-1][1]]


def list_frames(jpeg: bytes) -> list[tuple[int, int]]:
    """Return marker and start of each frame's header before the first scan."""
    segments = read_segments(jpeg, Steps())
    return [(marker, start) for marker, start, _ in segments if marker in FRAMES]


def keep_colours(marker: int, content: bytes) -> bytes:
    """Return the segment that tells how components become colours; nothing of any other."""
    if marker == APP0 and content.startswith(JFIF) and len(content) >= JFIF_BYTES:
        kept = content[: JFIF_BYTES - 2] + bytes(2)
    elif marker == APP14 and content.startswith(ADOBE) and len(content) >= ADOBE_BYTES:
        kept = content[:ADOBE_BYTES]
    else:
        return b""
    return bytes((0xFF, marker)) + (len(kept) + 2).to_bytes(2, "big") + kept
