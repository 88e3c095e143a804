"""Size of a TIFF or BigTIFF (TIFF 6.0, sections 2 and 8): from its first directory."""

import struct
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from contract.errors import CorruptImageError
from contract.image_headers.steps import Steps

# Some writers swap the bytes of the version number.
MAGIC: Final = (b"II*\0", b"II\0*", b"MM\0*", b"MM*\0", b"II+\0", b"MM\0+")
BIG: Final = (b"II+\0", b"MM\0+")
WIDTH, LENGTH = 256, 257
# Formats of the integer types: BYTE, SHORT, LONG, their signed ones, IFD; and the three of BigTIFF.
INTEGERS: Final = dict(zip((1, 3, 4, 6, 8, 9, 13, 16, 17, 18), "BHIbhiIQqQ", strict=True))


class Tag(NamedTuple):
    """One entry of a directory."""

    number: int
    type: int
    value_count: int
    value: bytes
    """The value itself if it fits, else its offset."""


def read_size(data: bytes, steps: Steps) -> tuple[int, int]:
    """Return width and height as stored, before any rotation.

    Raises:
        CorruptImageError: when the first directory has no size.
        struct.error: when the directory is truncated.
        TooManyStepsError: when there are too many tags.
    """
    found: dict[int, int] = {}
    for tag in read_tags(data, steps):
        if tag.number in {WIDTH, LENGTH} and tag.number not in found:
            if tag.type in INTEGERS and tag.value_count > 0:
                found[tag.number] = read_integer(data, tag)
            if len(found) == 2:
                return found[WIDTH], found[LENGTH]
    raise CorruptImageError("The TIFF has no size.")


def read_tags(data: bytes, steps: Steps, start: int | None = None) -> Iterator[Tag]:
    """Yield the tags of the directory at ``start``, by default the first one.

    Raises:
        struct.error: when the directory is truncated.
        TooManyStepsError: when there are too many tags.
    """
    order = byte_order(data)
    is_big = data.startswith(BIG)
    if start is None:
        (start,) = struct.unpack_from(order + ("Q" if is_big else "I"), data, 8 if is_big else 4)
    count_format, entry_format = ("Q", "HHQ8s") if is_big else ("H", "HHI4s")
    (count,) = unpack_at(order + count_format, data, start)
    entry = struct.Struct(order + entry_format)
    start += struct.calcsize(order + count_format)
    for position in range(start, start + count * entry.size, entry.size):
        steps.take()
        yield Tag(*entry.unpack_from(data, position))


def read_integer(data: bytes, tag: Tag) -> int:
    """Return the first value of a tag of one of the types in `INTEGERS`.

    Raises:
        struct.error: when the value lies outside of the file.
    """
    order, value_format = byte_order(data), INTEGERS[tag.type]
    if tag.value_count * struct.calcsize(order + value_format) <= len(tag.value):
        return int(struct.unpack_from(order + value_format, tag.value)[0])
    offset = int.from_bytes(tag.value, "little" if order == "<" else "big")
    return int(unpack_at(order + value_format, data, offset)[0])


def byte_order(data: bytes) -> str:
    """Return the sign of the file's byte order in formats of ``struct``."""
    return "<" if data.startswith(b"II") else ">"


def unpack_at(fields: str, data: bytes, position: int) -> tuple[Any, ...]:
    """Unpack at a position of any size, which ``struct`` alone limits."""
    if position > len(data):
        raise struct.error("outside of the file")
    return struct.unpack_from(fields, data, position)
