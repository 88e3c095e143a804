"""Boxes of the ISO base media file format (ISO/IEC 14496-12, clause 4.2)."""

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from contract.errors import CorruptImageError
from contract.image_headers.steps import Steps

REACHES_THE_END, HAS_LONG_SIZE = 0, 1
# Version and flags at the start of a FullBox.
FULL_BYTES: Final = 4


class Box(NamedTuple):
    """Type and content of a box; a content beyond the end of the file is cut."""

    kind: bytes
    start: int
    end: int


def read_boxes(data: bytes, start: int, end: int, steps: Steps) -> Iterator[Box]:
    """Yield the boxes between two positions of ``data``.

    Raises:
        CorruptImageError: when a box is smaller than its own header.
        struct.error: when a box's header is truncated.
        TooManyStepsError: when there are too many boxes.
    """
    while start + 8 <= end:
        steps.take()
        size, kind = struct.unpack_from(">I4s", data, start)
        content = start + 8
        if size == HAS_LONG_SIZE:
            (size,) = struct.unpack_from(">Q", data, content)
            content += 8
        elif size == REACHES_THE_END:
            size = end - start
        if start + size < content:
            raise CorruptImageError("A box is smaller than its header.")
        yield Box(kind, content, min(start + size, end))
        start += size


def find_box(data: bytes, inside: Box, kind: bytes, steps: Steps, skip: int = 0) -> Box | None:
    """Return the first box of a type in another, after ``skip`` bytes; None if there is none."""
    boxes = read_boxes(data, inside.start + skip, inside.end, steps)
    return next((box for box in boxes if box.kind == kind), None)


class Fields:
    """Reads the fields of a box one after the other: big endian, of any number of bytes."""

    def __init__(self, data: bytes, box: Box) -> None:
        self._data = data
        self._position = box.start
        self._end = box.end

    def read(self, size: int) -> int:
        """Return an unsigned integer of ``size`` bytes.

        Raises:
            struct.error: when it lies beyond the end.
        """
        start = self._position
        self.skip(size)
        return int.from_bytes(self._data[start : self._position], "big")

    def skip(self, size: int) -> None:
        """Skip ``size`` bytes.

        Raises:
            struct.error: when they reach beyond the end.
        """
        self._position += size
        if self._position > self._end:
            raise struct.error("beyond the end of the box")
