"""The marker segments of a file that comes from outside (T.81 B.1.1), cut apart and bounded."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

SOI: Final = 0xD8
EOI: Final = 0xD9
SOS: Final = 0xDA
DQT: Final = 0xDB
DHT: Final = 0xC4
DRI: Final = 0xDD
APP0: Final = 0xE0
APP14: Final = 0xEE
COM: Final = 0xFE

# Honest files have some dozens; each takes time in Python, and four bytes make one.
_MOST_SEGMENTS = 4000
_PLAIN_JFIF_BYTES = 14
_ADOBE_BYTES = 12


class UnreadableSourceError(ValueError):
    """A file whose coefficients are not read here: damaged, or of a process that is left out."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One marker segment; [start:end] is the whole of it in its file, marker and length included."""

    marker: int
    payload: bytes
    start: int
    end: int


class SegmentReader:
    """Gives the segments of a file from SOI to EOI; who reads a scan says where it ended."""

    def __init__(self, data: bytes) -> None:
        if data[:2] != bytes((0xFF, SOI)):
            raise UnreadableSourceError("no SOI")
        self._data = data
        self.at = 2
        """Where the next marker is expected; past EOI in the end."""

    def __iter__(self) -> Iterator[Segment]:
        """Give each segment before EOI.

        Raises:
            UnreadableSourceError: the file ends early, or something else stands for a marker.
        """
        data = self._data
        for _ in range(_MOST_SEGMENTS):
            start = self.at
            if data[start : start + 1] != b"\xff" or start + 2 > len(data):
                raise UnreadableSourceError("no marker where one must be")
            marker = data[start + 1]
            if marker == 0xFF:  # a fill byte (B.1.1.2)
                self.at += 1
                continue
            if marker == EOI:
                self.at = start + 2
                return
            if marker < 0xC0 or 0xD0 <= marker <= SOI:
                raise UnreadableSourceError("a marker without a segment")
            length = int.from_bytes(data[start + 2 : start + 4], "big")
            end = start + 2 + length
            if length < 2 or end > len(data):
                raise UnreadableSourceError("a segment longer than the file")
            self.at = end
            yield Segment(marker, data[start + 4 : end], start, end)
        raise UnreadableSourceError("too many segments")


def is_metadata(segment: Segment) -> bool:
    """Return whether a segment has no part in decoding: APPn and COM."""
    return APP0 <= segment.marker <= 0xEF or segment.marker == COM


def is_jfif(segment: Segment) -> bool:
    """Return whether a segment says that the file is JFIF, so that its colours are YCbCr.

    libjpeg takes no notice of one that is cut short (jdmarker.c, examine_app0).
    """
    is_whole = len(segment.payload) >= _PLAIN_JFIF_BYTES
    return segment.marker == APP0 and is_whole and segment.payload[:5] == b"JFIF\0"


def read_adobe_transform(segment: Segment) -> int | None:
    """Return the colour transform that Adobe's segment names: 0 none, 1 YCbCr, 2 YCCK."""
    if segment.marker != APP14 or segment.payload[:5] != b"Adobe":
        return None
    return segment.payload[11] if len(segment.payload) >= _ADOBE_BYTES else None


def list_preamble(segments: Iterable[Segment]) -> list[Segment]:
    """Return the segments before the first scan: decoders know by then which colours there are."""
    return list(takewhile(lambda segment: segment.marker != SOS, segments))


def strip_metadata(data: bytes, segments: Sequence[Segment], end: int) -> bytes:
    """Return the file without metadata and without what follows its EOI; its scans are untouched.

    What decoders take the colours from stays: JFIF's segment, less its thumbnail, or Adobe's.

    Args:
        data: the file.
        segments: all of its segments.
        end: the place after its EOI.
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
            parts.append(_trim_jfif(segment))
        elif not jfif and read_adobe_transform(segment) is not None:
            parts.append(data[segment.start : segment.end])
    return b"".join([*parts, data[kept_from:end]])


def _trim_jfif(segment: Segment) -> bytes:
    payload = segment.payload[: _PLAIN_JFIF_BYTES - 2] + b"\0\0"
    return bytes((0xFF, APP0)) + (len(payload) + 2).to_bytes(2, "big") + payload
