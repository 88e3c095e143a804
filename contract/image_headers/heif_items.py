"""Items of a HEIF file (ISO/IEC 23008-12; ISO/IEC 14496-12, clause 8.11): sizes and locations."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from contract.errors import CorruptImageError
from contract.image_headers.boxes import FULL_BYTES, Box, Fields, find_box, read_boxes
from contract.image_headers.steps import Steps

# Construction methods of an item: its bytes are in the file, or in the box ``idat``.
IN_FILE, IN_IDAT = 0, 1
# From these versions of an ItemLocationBox and of an ItemInfoEntry on, numbers have four bytes.
LARGE_ITEM_IDS: Final = 2
LARGE_INFO_IDS: Final = 3
GRID: Final = b"grid"
# Its longest form, and the flag for that.
GRID_BYTES: Final = 12
FOUR_BYTES: Final = 1


class Reference(NamedTuple):
    """How an item refers to others."""

    kind: bytes
    item: int
    targets: tuple[int, ...]


class Item(NamedTuple):
    """Where an item's bytes are."""

    number: int
    method: int
    """IN_FILE, IN_IDAT or another."""
    extents: tuple[tuple[int, int], ...]
    """Offset and length of each piece; a length of 0 reaches to the end."""


def read_item_size(data: bytes, meta: Box, steps: Steps) -> tuple[int, int]:
    """Return width and height of the primary item, of a grid the larger of both declarations.

    Raises:
        CorruptImageError: when a box that is needed is missing or damaged.
        struct.error: when a box is truncated.
        TooManyStepsError: when there are too many items or properties.
    """
    boxes = read_meta(data, meta, steps)
    if not {b"pitm", b"iprp"} <= boxes.keys():
        raise CorruptImageError("The file has no primary item.")
    primary = read_primary(data, boxes)
    size = read_declared_size(data, boxes[b"iprp"], primary, steps)
    types = read_types(data, boxes, steps)
    if (primary, GRID) in types:
        grid = read_grid_size(data, boxes, primary, steps)
        return max(size, grid, key=lambda sides: sides[0] * sides[1])
    return size


def read_primary(data: bytes, boxes: dict[bytes, Box]) -> int:
    """Return the number of the primary item (ISO/IEC 14496-12, 8.11.4)."""
    fields = Fields(data, boxes[b"pitm"])
    version = fields.read(1)
    fields.skip(3)
    return fields.read(4 if version else 2)


def read_meta(data: bytes, meta: Box, steps: Steps) -> dict[bytes, Box]:
    """Return the boxes of a MetaBox by type."""
    return {box.kind: box for box in read_boxes(data, meta.start + FULL_BYTES, meta.end, steps)}


def read_declared_size(data: bytes, iprp: Box, number: int, steps: Steps) -> tuple[int, int]:
    """Return width and height of an item's ``ispe`` property."""
    for box in read_properties(data, iprp, number, steps):
        if box.kind == b"ispe":
            fields = Fields(data, box)
            fields.skip(FULL_BYTES)
            return fields.read(4), fields.read(4)
    raise CorruptImageError("The primary item has no size.")


def read_properties(data: bytes, iprp: Box, number: int, steps: Steps) -> Iterator[Box]:
    """Yield an item's properties (ISO/IEC 23008-12, 9.3), in their order.

    Raises:
        CorruptImageError: when the file has none.
        struct.error: when a box is truncated.
        TooManyStepsError: when there are too many properties.
    """
    ipco = find_box(data, iprp, b"ipco", steps)
    if ipco is None:
        raise CorruptImageError("The file has no properties.")
    properties = list(read_boxes(data, ipco.start, ipco.end, steps))
    for index in read_associations(data, iprp, number, steps):
        if 0 < index <= len(properties):
            yield properties[index - 1]


def read_associations(data: bytes, iprp: Box, number: int, steps: Steps) -> Iterator[int]:
    """Yield the indices, from 1, of an item's properties."""
    for box in read_boxes(data, iprp.start, iprp.end, steps):
        if box.kind != b"ipma":
            continue
        fields = Fields(data, box)
        version = fields.read(1)
        index_bytes = 2 if fields.read(3) & 1 else 1
        for _ in range(fields.read(4)):
            steps.take()
            item = fields.read(4 if version else 2)
            count = fields.read(1)
            if item != number:
                fields.skip(count * index_bytes)
                continue
            for _ in range(count):
                # The highest bit marks an essential property.
                yield fields.read(index_bytes) & ((1 << 8 * index_bytes - 1) - 1)


def read_types(data: bytes, boxes: dict[bytes, Box], steps: Steps) -> Iterator[tuple[int, bytes]]:
    """Yield number and type of each item that is listed (ISO/IEC 14496-12, 8.11.6)."""
    iinf = boxes.get(b"iinf")
    if iinf is None:
        return
    # The count of entries has 2 or 4 bytes.
    skip = FULL_BYTES + (4 if Fields(data, iinf).read(1) else 2)
    for box in read_boxes(data, iinf.start + skip, iinf.end, steps):
        fields = Fields(data, box)
        version = fields.read(1)
        fields.skip(3)
        number = fields.read(2 if version < LARGE_INFO_IDS else 4)
        fields.skip(2)
        yield number, fields.read(4).to_bytes(4, "big")


def read_references(data: bytes, iref: Box, steps: Steps) -> Iterator[Reference]:
    """Yield the references between items (ISO/IEC 14496-12, 8.11.12)."""
    number_bytes = 4 if Fields(data, iref).read(1) else 2
    for box in read_boxes(data, iref.start + FULL_BYTES, iref.end, steps):
        fields = Fields(data, box)
        item = fields.read(number_bytes)
        targets = []
        for _ in range(fields.read(2)):
            steps.take()
            targets.append(fields.read(number_bytes))
        yield Reference(box.kind, item, tuple(targets))


def read_grid_size(
    data: bytes, boxes: dict[bytes, Box], number: int, steps: Steps
) -> tuple[int, int]:
    """Return the output size in a grid's own bytes (ISO/IEC 23008-12, 6.6.2.3)."""
    item = next((item for item in read_items(data, boxes, steps) if item.number == number), None)
    if item is None:
        raise CorruptImageError("The grid can't be found.")
    content = bytes(read_content(memoryview(data), boxes, item, GRID_BYTES))
    fields = Fields(content, Box(GRID, 0, len(content)))
    fields.skip(1)
    side_bytes = 4 if fields.read(1) & FOUR_BYTES else 2
    fields.skip(2)
    return fields.read(side_bytes), fields.read(side_bytes)


def read_content(
    data: memoryview, boxes: dict[bytes, Box], item: Item, limit: int
) -> bytes | memoryview:
    """Return the first ``limit`` bytes of an item; none if they are in another file or item.

    Only several pieces are copied.
    """
    if item.method == IN_IDAT and b"idat" in boxes:
        base, end = boxes[b"idat"].start, boxes[b"idat"].end
    elif item.method == IN_FILE:
        base, end = 0, len(data)
    else:
        return b""
    pieces = []
    for offset, length in item.extents:
        start = base + offset
        piece = data[start : min(start + min(length or limit, limit), end)]
        pieces.append(piece)
        limit -= len(piece)
        if limit == 0:
            break
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def read_items(data: bytes, boxes: dict[bytes, Box], steps: Steps) -> Iterator[Item]:
    """Yield the items that have a location (ISO/IEC 14496-12, 8.11.3)."""
    if b"iloc" not in boxes:
        return
    fields = Fields(data, boxes[b"iloc"])
    version = fields.read(1)
    fields.skip(3)
    sizes = fields.read(2)
    offset_bytes, length_bytes, base_bytes, index_bytes = (sizes >> n & 15 for n in (12, 8, 4, 0))
    if version == 0:
        index_bytes = 0
    id_bytes = 4 if version >= LARGE_ITEM_IDS else 2
    for _ in range(fields.read(id_bytes)):
        steps.take()
        number = fields.read(id_bytes)
        method = fields.read(2) & 15 if version else IN_FILE
        fields.skip(2)
        base = fields.read(base_bytes)
        extents = []
        for _ in range(fields.read(2)):
            steps.take()
            fields.skip(index_bytes)
            extents.append((base + fields.read(offset_bytes), fields.read(length_bytes)))
        yield Item(number, method, tuple(extents))
