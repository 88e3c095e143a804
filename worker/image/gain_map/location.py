"""Finds the gain map in an upload: a JPEG of its own behind the photo's."""

import logging
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from contract.errors import CorruptImageError
from contract.image_headers import jpeg
from contract.image_headers.steps import Steps, TooManyStepsError
from worker.image.gain_map import container, iso_metadata, multi_picture, xmp_metadata
from worker.image.gain_map.numbers import GainMapNumbers, InvalidGainMapError
from worker.image.limits import END_OF_IMAGE, MARKER
from worker.image.metadata.segments import APP1, APP2
from worker.image.segment_names import XMP_NAME

log = logging.getLogger(__name__)

# How many gain maps without an end are looked through.
MOST_SCANS: Final = 3


@dataclass(frozen=True, slots=True)
class StoredGainMap:
    """A gain map as an upload has it."""

    jpeg: bytes
    numbers: GainMapNumbers


def find_gain_map(data: bytes) -> StoredGainMap | None:
    """Return the gain map in a JPEG upload, None if there is none, or it is damaged.

    It may be listed in the index of pictures, listed in the photo's XMP, or simply follow the photo.
    A length is believed only if a whole JPEG lies in it.
    """
    photo_end = find_end(data)
    if photo_end is None:
        return None
    scans_left = MOST_SCANS
    for start, end in dict.fromkeys(list_ranges(data, photo_end)):
        if not photo_end <= start < end <= len(data) or not data.startswith(jpeg.MAGIC, start):
            continue
        candidate = data[start:end]
        try:
            numbers = read_numbers(candidate)
        except (InvalidGainMapError, CorruptImageError, struct.error, TooManyStepsError):
            log.debug("not a gain map", exc_info=True)
            continue
        if numbers is None:
            continue
        if (length := find_end(candidate)) is not None:
            return StoredGainMap(candidate[:length], numbers)
        scans_left -= 1
        if scans_left == 0:
            return None
    return None


def list_ranges(data: bytes, photo_end: int) -> Iterator[tuple[int, int]]:
    """Yield where a gain map may lie, as start and end; they may lie outside of the file."""
    try:
        for start, length in multi_picture.list_pictures(data):
            yield start, start + length
    except (CorruptImageError, struct.error, TooManyStepsError):
        log.debug("index of pictures ignored", exc_info=True)
    try:
        for packet in list_payloads(data, APP1, XMP_NAME):
            if found := container.find_gain_map(packet):
                gap_bytes, length = found
                yield photo_end + gap_bytes, photo_end + gap_bytes + length
    except (InvalidGainMapError, CorruptImageError, struct.error, TooManyStepsError):
        log.debug("directory of items ignored", exc_info=True)
    yield photo_end, len(data)


def read_numbers(gain_map: bytes) -> GainMapNumbers | None:
    """Return the numbers in a gain map's JPEG, by ISO 21496-1 if it has both forms.

    Raises:
        InvalidGainMapError: when they are damaged.
        CorruptImageError: when the JPEG has no scan.
        struct.error: when a segment is truncated.
        TooManyStepsError: when it has too many segments.
    """
    for payload in list_payloads(gain_map, APP2, iso_metadata.NAME):
        return iso_metadata.read(payload)
    for packet in list_payloads(gain_map, APP1, XMP_NAME):
        return xmp_metadata.read(packet)
    return None


def list_payloads(data: bytes, marker: int, name: bytes) -> Iterator[bytes]:
    """Yield the content, behind its name, of each segment of a kind before the first scan.

    Raises:
        CorruptImageError: when the JPEG has no scan.
        struct.error: when a segment is truncated.
        TooManyStepsError: when it has too many segments.
    """
    for found, start, end in jpeg.read_segments(data, Steps()):
        if found == marker and data.startswith(name, start):
            yield data[start + len(name) : end]


def find_end(data: bytes) -> int | None:
    """Return the offset behind the EOI of the JPEG that ``data`` begins with, None if it has none."""
    steps = Steps()
    position = 2
    while found := MARKER.search(data, position):
        try:
            steps.take()
        except TooManyStepsError:
            return None
        position = found.end()
        if found[0] == END_OF_IMAGE:
            return position
        if found[0][1] not in jpeg.BARE:
            position += int.from_bytes(data[position : position + 2], "big")
    return None
