"""Items of a HEIF file (ISO/IEC 23008-12; ISO/IEC 14496-12, clause 8.11): sizes and locations."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from contract.errors import CorruptImageError
from contract.image_headers.boxes import FULL_BYTES, Box, Fields, find_box, read_boxes
from contract.image_headers.steps import Steps

IN_FILE, IN_IDAT = 0, 1
LARGE_ITEM_IDS: Final = 2  # from this version of an ItemLocationBox on
FOUR_BYTES: Final = 1  # the flag of a grid's output size


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
    boxes = {box.kind: box for box in read_boxes(data, meta.start + FULL_BYTES, meta.end, steps)}
    if not {b"pitm", b"iprp"} <= boxes.keys():
        raise CorruptImageError("The file has no primary item.")
    fields = Fields(data, boxes[b"pitm"])
    version = fields.read(1)
    fields.skip(3)
    primary = fields.read(4 if version else 2)
    size = read_declared_size(data, boxes[b"iprp"], primary, steps)
    if read_item_type(data, boxes.get(b"iinf"), primary, steps) == b"grid":
        grid = read_grid_size(data, boxes, primary, steps)
        return max(size, grid, key=lambda sides: sides[0] * sides[1])
    return size


def read_declared_size(data: bytes, iprp: Box, number: int, steps: Steps) -> tuple[int, int]:
    """Return width and height of an item's ``ispe`` property."""
    ipco = find_box(data, iprp, b"ipco", steps)
    if ipco is None:
        raise CorruptImageError("The file has no properties.")
    properties = list(read_boxes(data, ipco.start, ipco.end, steps))
    for index in read_associations(data, iprp, number, steps):
        if 0 < index <= len(properties) and properties[index - 1].kind == b"ispe":
            fields = Fields(data, properties[index - 1])
            fields.skip(FULL_BYTES)
            return fields.read(4), fields.read(4)
    raise CorruptImageError("The primary item has no size.")


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


def read_item_type(data: bytes, iinf: Box | None, number: int, steps: Steps) -> bytes:
    """Return an item's type; none if it isn't listed."""
    if iinf is None:
        return b""
    fields = Fields(data, iinf)
    skip = FULL_BYTES + (4 if fields.read(1) else 2)
    for box in read_boxes(data, iinf.start + skip, iinf.end, steps):
        fields = Fields(data, box)
        version = fields.read(1)
        fields.skip(3)
        if fields.read(2 if version < 3 else 4) == number:
            fields.skip(2)
            return fields.read(4).to_bytes(4, "big")
    return b""


def read_grid_size(
    data: bytes, boxes: dict[bytes, Box], number: int, steps: Steps
) -> tuple[int, int]:
    """Return the output size in a grid's own bytes (ISO/IEC 23008-12, 6.6.2.3)."""
    items = read_items(data, boxes[b"iloc"], steps) if b"iloc" in boxes else iter(())
    item = next((item for item in items if item.number == number), None)
    if item is None or item.method not in {IN_FILE, IN_IDAT} or not item.extents:
        raise CorruptImageError("The grid can't be found.")
    base = 0
    if item.method == IN_IDAT:
        if b"idat" not in boxes:
            raise CorruptImageError("The grid can't be found.")
        base = boxes[b"idat"].start
    # Its few bytes may be in several pieces.
    content = b"".join(
        data[base + offset : base + offset + min(length or 12, 12)]
        for offset, length in item.extents[:12]
    )
    fields = Fields(content, Box(b"", 0, len(content)))
    fields.skip(1)
    side_bytes = 4 if fields.read(1) & FOUR_BYTES else 2
    fields.skip(2)
    return fields.read(side_bytes), fields.read(side_bytes)


def read_items(data: bytes, iloc: Box, steps: Steps) -> Iterator[Item]:
    """Yield the items of an ItemLocationBox (ISO/IEC 14496-12, 8.11.3)."""
    fields = Fields(data, iloc)
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
