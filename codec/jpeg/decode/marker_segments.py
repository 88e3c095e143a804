"""The marker segments of an uploaded file, and the file without its metadata (T.81 B.1.1)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from codec.jpeg.syntax import own_mark
from codec.jpeg.syntax.segment import write_segment

SOI: Final = 0xD8
EOI: Final = 0xD9
SOS: Final = 0xDA
DQT: Final = 0xDB
DHT: Final = 0xC4
DRI: Final = 0xDD
APP0: Final = 0xE0
APP14: Final = 0xEE
COM: Final = 0xFE

_MOST_SEGMENTS: Final = 4000
"""Ordinary files have some dozens. A segment may be four bytes long, and each takes time."""
_PLAIN_JFIF_BYTES: Final = 14  # payload without a thumbnail
_ADOBE_BYTES: Final = 12


class UnreadableSourceError(ValueError):
    """A file whose coefficients can't be read: damaged, or of a kind that is not supported."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One marker segment; data[start:end] is all of it, marker and length included."""

    marker: int
    payload: bytes
    start: int
    end: int


class SegmentReader:
    """Iterates over the segments of a file from SOI to EOI.

    After a SOS, the caller sets `at` to the end of its scan before it asks for the next segment.
    """

    def __init__(self, data: bytes) -> None:
        if data[:2] != bytes((0xFF, SOI)):
            raise UnreadableSourceError("the file does not begin with SOI")
        self._data = data
        self.at = 2
        """Offset in bytes of the next marker; behind EOI at the end."""

    def __iter__(self) -> Iterator[Segment]:
        """Yield each segment before EOI.

        Raises:
            UnreadableSourceError: the file ends early, there is no marker where one must be, or there
                are too many segments.
        """
        data = self._data
        for _ in range(_MOST_SEGMENTS):
            start = self.at
            if data[start : start + 1] != b"\xff" or start + 2 > len(data):
                raise UnreadableSourceError("there is no marker where one must be")
            marker = data[start + 1]
            if marker == 0xFF:  # a fill byte (B.1.1.2)
                self.at += 1
                continue
            if marker == EOI:
                self.at = start + 2
                return
            if marker < 0xC0 or 0xD0 <= marker <= SOI:
                raise UnreadableSourceError("a marker stands where a segment must begin")
            length = int.from_bytes(data[start + 2 : start + 4], "big")
            end = start + 2 + length
            if length < 2 or end > len(data):
                raise UnreadableSourceError("a segment is longer than the file")
            self.at = end
            yield Segment(marker, data[start + 4 : end], start, end)
        raise UnreadableSourceError("the file has too many segments")


def is_metadata(segment: Segment) -> bool:
    """Return whether a segment is APPn or COM, which decoders may skip."""
    return APP0 <= segment.marker <= 0xEF or segment.marker == COM


def is_jfif(segment: Segment) -> bool:
    """Return whether a segment is JFIF's APP0, which implies YCbCr.

    One that is too short does not count, as in libjpeg (jdmarker.c, examine_app0).
    """
    is_whole = len(segment.payload) >= _PLAIN_JFIF_BYTES
    return segment.marker == APP0 and is_whole and segment.payload[:5] == b"JFIF\0"


def read_adobe_transform(segment: Segment) -> int | None:
    """Return the colour transform in Adobe's APP14: 0 none, 1 YCbCr, 2 YCCK; None in other segments."""
    if segment.marker != APP14 or segment.payload[:5] != b"Adobe":
        return None
    return segment.payload[11] if len(segment.payload) >= _ADOBE_BYTES else None


def read_own_checksum(segment: Segment) -> bytes | None:
    """Return the checksum in the mark of our own files; None in other segments."""
    if segment.marker != own_mark.COM or not segment.payload.startswith(own_mark.NAME):
        return None
    return segment.payload[len(own_mark.NAME) :]


def list_preamble(segments: Iterable[Segment]) -> list[Segment]:
    """Return the segments before the first scan, from which decoders take the colour space."""
    return list(takewhile(lambda segment: segment.marker != SOS, segments))


def strip_metadata(data: bytes, segments: Sequence[Segment], end: int) -> bytes:
    """Return the file without metadata, and without the bytes behind EOI; scans are not changed.

    The segment that implies the colour space is kept: JFIF's without its thumbnail, else Adobe's
    without what follows the transform.

    Args:
        data: the file.
        segments: all of its segments.
        end: offset in bytes of the end of EOI.
    """
    parts: list[bytes] = []
    kept_from = 0
    preamble = list_preamble(segments)
    jfif = any(is_jfif(segment) for segment in preamble)
    for i, segment in enumerate(segments):
        if not is_metadata(segment):
            continue
        parts.append(data[kept_from : segment.start])
        kept_from = segment.end
        if i >= len(preamble):
            continue
        if is_jfif(segment):
            parts.append(
                write_segment(segment.marker, segment.payload[: _PLAIN_JFIF_BYTES - 2] + b"\0\0")
            )
        elif not jfif and read_adobe_transform(segment) is not None:
            parts.append(write_segment(segment.marker, segment.payload[:_ADOBE_BYTES]))
    return b"".join([*parts, data[kept_from:end]])
