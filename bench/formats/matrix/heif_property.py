"""Adds a property to the primary item of a HEIF file (ISO/IEC 14496-12, 8.11; 23008-12, 6.5)."""

import struct
from collections.abc import Iterator
from typing import Final

ROTATION: Final = b"irot"
MIRROR: Final = b"imir"
ESSENTIAL: Final = 0x80


def add_property(data: bytes, kind: bytes, content: bytes) -> bytes:
    """Return a file with one more property, the last one of its primary item.

    The file is one that libheif has written: its pixels lie behind its metadata.
    """
    start, end = find(data, b"meta", 0, len(data))
    outside, meta_start = data[:start], start + 12
    boxes = dict(read_boxes(data, meta_start, end))
    primary = struct.unpack_from(">H", boxes[b"pitm"], 12)[0]
    added = struct.pack(">I4s", 8 + len(content), kind) + content
    properties = dict(read_boxes(boxes[b"iprp"], 8, len(boxes[b"iprp"])))
    number = sum(1 for _ in read_boxes(properties[b"ipco"], 8, len(properties[b"ipco"]))) + 1
    ipco = resize(properties[b"ipco"] + added)
    ipma = associate(properties[b"ipma"], primary, number)
    boxes[b"iprp"] = resize(boxes[b"iprp"][:8] + ipco + ipma)
    grown = len(boxes[b"iprp"]) - len(dict(read_boxes(data, meta_start, end))[b"iprp"])
    boxes[b"iloc"] = shift(boxes[b"iloc"], grown)
    meta = resize(data[start:meta_start] + b"".join(boxes.values()))
    return outside + meta + data[end:]


def read_boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and whole box of each box between ``start`` and ``end``."""
    while start < end:
        size, kind = struct.unpack_from(">I4s", data, start)
        yield kind, data[start : start + size]
        start += size


def find(data: bytes, wanted: bytes, start: int, end: int) -> tuple[int, int]:
    """Return start and end of the first box of a kind."""
    for kind, box in read_boxes(data, start, end):
        if kind == wanted:
            return start, start + len(box)
        start += len(box)
    raise ValueError("no such box")


def resize(box: bytes) -> bytes:
    """Return a box whose length says its length."""
    return struct.pack(">I", len(box)) + box[4:]


def associate(ipma: bytes, item: int, number: int) -> bytes:
    """Return the associations with one more of an item; item numbers of 16 bits, indices of 7."""
    count = struct.unpack_from(">I", ipma, 12)[0]
    result, position = ipma[:16], 16
    for _ in range(count):
        found, associations = struct.unpack_from(">HB", ipma, position)
        indices = ipma[position + 3 : position + 3 + associations]
        position += 3 + associations
        if found == item:
            indices += bytes([ESSENTIAL | number])
        result += struct.pack(">HB", found, len(indices)) + indices
    return resize(result)


def shift(iloc: bytes, bytes_moved: int) -> bytes:
    """Return the locations with those in the file moved; 4 bytes for offsets and lengths."""
    version = iloc[8]
    changed = bytearray(iloc)
    position, count = 16, struct.unpack_from(">H", iloc, 14)[0]
    for _ in range(count):
        in_file = version == 0 or struct.unpack_from(">H", iloc, position + 2)[0] & 15 == 0
        # Number, way, reference, base offset (iloc of libheif: 0 or 4 bytes), extents.
        position += (2 if version == 0 else 4) + 2 + (iloc[13] >> 4)
        extents = struct.unpack_from(">H", iloc, position)[0]
        position += 2
        for _ in range(extents):
            if in_file:
                offset = struct.unpack_from(">I", iloc, position)[0]
                struct.pack_into(">I", changed, position, offset + bytes_moved)
            position += 8
    return bytes(changed)
