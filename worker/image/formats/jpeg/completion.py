"""Tells a complete JPEG without EOI from a truncated one, by its coefficients.

Each scan header tells which bits of which coefficients follow. Whether the last scan has all of its
coefficients shows when it is decoded.
"""

from collections.abc import Iterator
from typing import Final

import codec
from contract.image_headers.jpeg import FRAMES, SOS, read_segments
from contract.image_headers.steps import Steps
from worker.image.formats.jpeg import pixels
from worker.image.formats.jpeg.segments import find_frame
from worker.image.limits import END_OF_IMAGE, MARKER

# DHT, DAC, SOS, DQT, DNL, DRI, APPn and COM may follow a scan.
FOLLOWING: Final = frozenset({0xC4, 0xCC, SOS, 0xDB, 0xDC, 0xDD, *range(0xE0, 0xF0), 0xFE})
# Huffman-coded frames of DCT coefficients.
HUFFMAN: Final = frozenset({0xC0, 0xC1, 0xC2})
PROGRESSIVE: Final = frozenset({0xC2, 0xCA})
ARITHMETIC: Final = frozenset({0xC9, 0xCA})
NO_BITS: Final = -1
# A file without EOI is decoded up to three times, and each scan costs a pass over all blocks.
MOST_SCANS: Final = 64

# Bits like those of a scan, behind each marker of a restart interval, since a decoder may wait for any.
BITS: Final = bytes(range(0x55, 0xD5, 3))
FURTHER_BITS: Final = BITS + b"".join(bytes((0xFF, marker)) + BITS for marker in range(0xD0, 0xD8))
# An arithmetic decoder is some bytes ahead, and an encoder leaves out zeros at the end (T.81, D.1.8).
AHEAD: Final = bytes(2)


def complete(jpeg: bytes) -> bytes | None:
    """Return a JPEG with the EOI that it lacks; None if it has one, or is truncated.

    What follows instead of EOI is left out.

    Raises:
        Exception: of many kinds, when the JPEG is damaged.
    """
    end = find_end_of_scans(jpeg)
    if end is None:
        return None
    return next(filter(has_all_coefficients, list_endings(jpeg[:end])), None)


def list_endings(scans: bytes) -> Iterator[bytes]:
    """Yield what a JPEG without EOI may be: 0xFF at its end is half of EOI, or of an escaped byte."""
    stripped = scans.rstrip(b"\xff")
    yield stripped + END_OF_IMAGE
    if stripped != scans:
        yield stripped + b"\xff\0" + END_OF_IMAGE


def has_all_coefficients(jpeg: bytes) -> bool:
    """Return whether the last scan of a JPEG with EOI is complete."""
    frame = find_frame(jpeg)
    if frame in HUFFMAN:
        return codec.is_complete(jpeg)
    # Further bits change the pixels of a truncated scan only. Some last bytes may not matter.
    further = (AHEAD if frame in ARITHMETIC else b"") + FURTHER_BITS + END_OF_IMAGE
    return pixels.are_equal(jpeg, jpeg.removesuffix(END_OF_IMAGE) + further)


def find_end_of_scans(jpeg: bytes) -> int | None:
    """Return where the scans of a JPEG without EOI end; None if it has EOI, or lacks scans."""
    steps, scans_left = Steps(), Steps(MOST_SCANS)
    position, missing, progressive = 0, {}, False
    for marker, start, position in read_segments(jpeg, steps):
        if marker in FRAMES:
            progressive = marker in PROGRESSIVE
            missing = {identifier: [NO_BITS] * 64 for identifier in jpeg[start + 6 : position : 3]}
        elif marker == SOS:
            note_scan(jpeg[start:position], missing, progressive=progressive)
    while found := MARKER.search(jpeg, position):
        steps.take()
        if found[0] == END_OF_IMAGE:
            return None
        marker, start = found[0][1], found.end() + 2
        end = found.end() + max(2, int.from_bytes(jpeg[found.end() : start], "big"))
        if marker not in FOLLOWING or end > len(jpeg):
            position = found.start()
            break
        if marker == SOS:
            scans_left.take()
            note_scan(jpeg[start:end], missing, progressive=progressive)
        position = end
    else:
        position = len(jpeg)
    is_whole = not any(map(any, missing.values()))
    return position if is_whole else None


def note_scan(header: bytes, missing: dict[int, list[int]], *, progressive: bool) -> None:
    """Note in ``missing`` the low bits of each coefficient that are still to come behind a scan."""
    first, last, bits = (*bytes(3), *header)[-3:] if progressive else (0, 63, 0)
    for identifier in header[1:-3:2]:
        if identifier in missing:
            missing[identifier][first : last + 1] = [bits & 15] * (min(last, 63) + 1 - first)
