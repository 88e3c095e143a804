"""The index of a file's pictures, which lie one behind the other (CIPA DC-007, Multi-Picture Format)."""

import struct
from collections.abc import Iterator
from typing import Final

from codec import write_segment
from contract.image_headers import jpeg, tiff
from contract.image_headers.steps import Steps
from worker.image.metadata.segments import APP0, APP2

NAME: Final = b"MPF\0"
VERSION, PICTURE_COUNT, ENTRIES = 0xB000, 0xB001, 0xB002
UNDEFINED, LONG = 7, 4
ENTRY: Final = "IIIHH"
PRIMARY: Final = 0x030000  # baseline MP primary image; other pictures are of no given type
# Big-endian; the offset of the directory, its three tags, none behind it, and two entries.
DIRECTORY: Final = struct.Struct(">2sHIH HHI4s HHII HHII I" + 2 * ENTRY)
SEGMENT_BYTES: Final = 4 + len(NAME) + DIRECTORY.size
MOST_ENTRIES: Final = 16
APP13: Final = 0xED


def list_pictures(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield start and length in bytes of the pictures behind the first one, as the index has them.

    Raises:
        struct.error: when the index is truncated.
        CorruptImageError: when the file has no scan.
        TooManyStepsError: when the file has too many segments or the index too many tags.
    """
    for marker, start, end in jpeg.read_segments(data, Steps()):
        if marker == APP2 and data.startswith(NAME, start):
            origin = start + len(NAME)
            for length, offset in _read_entries(data[origin:end]):
                if offset:  # the first picture has none
                    yield origin + offset, length
            return


def _read_entries(index: bytes) -> Iterator[tuple[int, int]]:
    """Yield length and offset of each picture."""
    order = tiff.byte_order(index)
    for tag in tiff.read_tags(index, Steps()):
        if tag.number == ENTRIES:
            (at,) = struct.unpack(order + "I", tag.value)
            size = struct.calcsize(order + ENTRY)
            for number in range(min(tag.value_count // size, MOST_ENTRIES)):
                _, length, offset, _, _ = struct.unpack_from(
                    order + ENTRY, index, at + number * size
                )
                yield length, offset


def append_picture(photo: bytes, picture: bytes) -> bytes:
    """Return a file of two JPEGs; the first has a new index behind its metadata."""
    at = 2
    for marker, start, end in jpeg.read_segments(photo, Steps()):
        if not APP0 <= marker <= APP13:
            at = start - 4
            break
        at = end
    photo_bytes = len(photo) + SEGMENT_BYTES
    origin = at + 4 + len(NAME)
    entries_at = DIRECTORY.size - 2 * struct.calcsize(">" + ENTRY)
    directory = DIRECTORY.pack(
        *(b"MM", 42, 8, 3),
        *(VERSION, UNDEFINED, 4, b"0100"),
        *(PICTURE_COUNT, LONG, 1, 2),
        *(ENTRIES, UNDEFINED, 2 * struct.calcsize(">" + ENTRY), entries_at),
        0,
        *(PRIMARY, photo_bytes, 0, 0, 0),
        *(0, len(picture), photo_bytes - origin, 0, 0),
    )
    return photo[:at] + write_segment(APP2, NAME + directory) + photo[at:] + picture
