"""TIFF structures for EXIF, written byte by byte, and what exiftool finds wrong with a photo."""

import shutil
import struct
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Union

import pytest

VALUE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
FIELDS = {1: "B", 3: "H", 4: "I", 5: "II", 6: "b", 8: "h", 9: "i", 10: "ii", 11: "f", 12: "d"}


class Tag(NamedTuple):
    """Type, and values as bytes or numbers."""

    type: int
    values: bytes | Sequence[float]

    def pack(self, order: str) -> bytes:
        if isinstance(self.values, bytes):
            return self.values
        fields = FIELDS[self.type] * (len(self.values) // len(FIELDS[self.type]))
        return struct.pack(order + fields, *self.values)


# A directory is an entry whose value is one.
Tags = Mapping[int, Union[Tag, "Tags"]]


def text(value: bytes | str) -> Tag:
    encoded = value.encode() if isinstance(value, str) else value
    return Tag(2, encoded + b"\0")


def build(tags: Tags, order: str = ">", thumbnail: bytes | None = None) -> bytes:
    """Return a TIFF: the tables with their values, then a second directory with a thumbnail."""
    start = 8
    table, end = build_directory(tags, order, start)
    mark = b"II" if order == "<" else b"MM"
    data = bytearray(mark + struct.pack(order + "HI", 42, start) + table)
    if thumbnail is not None:
        places = {0x0103: Tag(3, [6]), 0x0201: Tag(4, [end + 42]), 0x0202: Tag(4, [len(thumbnail)])}
        second, _ = build_directory(places, order, end)
        data += second + thumbnail
        next_at = start + 2 + 12 * len(tags)
        data[next_at : next_at + 4] = struct.pack(order + "I", end)
    return bytes(data)


def build_directory(tags: Tags, order: str, start: int) -> tuple[bytes, int]:
    """Return a directory with what it points to, which begins at ``start``, and its end."""
    entries = struct.pack(order + "H", len(tags))
    at = start + 2 + 12 * len(tags) + 4
    rest = b""
    for number, tag in tags.items():
        if isinstance(tag, Tag):
            value = tag.pack(order)
            count = len(value) // VALUE_BYTES[tag.type]
            head = struct.pack(order + "HHI", number, tag.type, count)
        else:
            head = struct.pack(order + "HHI", number, 4, 1)
            value, _ = build_directory(tag, order, at)
        if isinstance(tag, Tag) and len(value) <= 4:
            entries += head + value.ljust(4, b"\0")
            continue
        entries += head + struct.pack(order + "I", at)
        value += bytes(len(value) % 2)
        rest += value
        at += len(value)
    return entries + bytes(4) + rest, at


def parse(data: bytes) -> dict[int, object]:
    """Return the tags of the first directory: type and bytes of each, or the tags to which it points."""
    order = "<" if data.startswith(b"II") else ">"
    (start,) = struct.unpack_from(order + "I", data, 4)
    return parse_directory(data, order, start)


def parse_directory(data: bytes, order: str, start: int) -> dict[int, object]:
    (count,) = struct.unpack_from(order + "H", data, start)
    found: dict[int, object] = {}
    for at in range(start + 2, start + 2 + 12 * count, 12):
        number, kind, values = struct.unpack_from(order + "HHI", data, at)
        (offset,) = struct.unpack_from(order + "I", data, at + 8)
        if number in {0x8769, 0x8825, 0xA005}:
            found[number] = parse_directory(data, order, offset)
            continue
        size = values * VALUE_BYTES[kind]
        offset = at + 8 if size <= 4 else offset
        assert offset + size <= len(data)
        found[number] = Tag(kind, data[offset : offset + size])
    assert data[start + 2 + 12 * count :][:4] == bytes(4)
    return found


def find_faults(jpeg: bytes, folder: Path) -> set[str]:
    """Return the warnings and errors of exiftool's validation; skip the test without exiftool."""
    tool = shutil.which("exiftool")
    if tool is None:
        pytest.skip("needs exiftool")
    path = folder / "photo.jpg"
    path.write_bytes(jpeg)
    finished = subprocess.run(
        [tool, "-validate", "-warning", "-error", "-a", "-s3", str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    _, *faults = finished.stdout.splitlines()
    return set(faults)
