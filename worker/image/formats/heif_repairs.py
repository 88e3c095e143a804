"""Changes boxes in which a library sees damage and others don't. No box changes its length."""

import struct
from collections.abc import Callable, Iterator
from typing import Final

from contract.errors import CorruptImageError
from contract.image_headers.avif import ANIMATION
from contract.image_headers.boxes import FULL_BYTES, Box, Fields, find_box, read_boxes
from contract.image_headers.heif_items import read_meta, read_primary
from contract.image_headers.steps import Steps, TooManyStepsError

Patch = tuple[int, bytes]
Finder = Callable[[bytes, Steps], Iterator[Patch]]

# A box that is skipped (ISO/IEC 14496-12, 8.1.2), and a brand that each file has.
SKIPPED, HARMLESS_BRAND = b"free", b"mif1"
GAIN_MAP_BRAND: Final = b"tmap"
TRANSFORMATIONS: Final = frozenset({b"clap", b"irot", b"imir"})
# Of flags in ItemPropertyAssociation, bit 0 has a meaning; libavif tells four pairs of version and flags.
FREE_FLAG, MOST_ASSOCIATIONS = 2, 4


def repair_avif(data: bytes) -> bytes:
    """Return an AVIF as libavif reads it.

    It refuses groups of kinds that it doesn't know, gain maps with odd numbers, several boxes ``ipma``,
    transformations that aren't essential, and references of no item in a file that has tracks.
    """
    return apply(data, find_avif_patches)


def repair_heic(data: bytes) -> bytes:
    """Return a HEIC as libheif reads it.

    It lists no primary picture that is another's thumbnail.
    """
    return apply(data, find_heic_patches)


def apply(data: bytes, find: Finder) -> bytes:
    """Return ``data`` with the patches that ``find`` yields; as it is, if its boxes are damaged."""
    try:
        patches = list(find(data, Steps()))
    except (struct.error, CorruptImageError, TooManyStepsError):
        return data
    if not patches:
        return data
    patched = bytearray(data)
    for position, content in patches:
        patched[position : position + len(content)] = content
    return bytes(patched)


def find_avif_patches(data: bytes, steps: Steps) -> Iterator[Patch]:
    """Yield positions and what belongs there."""
    file = Box(b"", 0, len(data))
    if brands := find_box(data, file, b"ftyp", steps):
        for position in range(brands.start, brands.end, 4):
            steps.take()
            if data[position : position + 4] == GAIN_MAP_BRAND:
                yield position, HARMLESS_BRAND
    meta = find_box(data, file, b"meta", steps)
    boxes = read_meta(data, meta, steps) if meta else {}
    unneeded = {b"grpl"}
    if data[8:12] == ANIMATION and find_box(data, file, b"moov", steps):
        unneeded.add(b"iref")
    for kind in unneeded & boxes.keys():
        yield boxes[kind].start - 4, SKIPPED
    if b"iprp" in boxes:
        yield from find_association_patches(data, boxes[b"iprp"], steps)


def find_association_patches(data: bytes, iprp: Box, steps: Steps) -> Iterator[Patch]:
    """Yield positions and what belongs there, for the properties of items."""
    kinds = read_property_kinds(data, iprp, steps)
    seen: set[bytes] = set()
    for box in read_boxes(data, iprp.start, iprp.end, steps):
        if box.kind != b"ipma":
            continue
        head = data[box.start : box.start + FULL_BYTES]
        free = (bytes([*head[:3], head[3] | n * FREE_FLAG]) for n in range(MOST_ASSOCIATIONS))
        own = next((other for other in free if other not in seen), head)
        seen.add(own)
        if own != head:
            yield box.start, own
        for position, size in read_associations(data, box, steps):
            index = int.from_bytes(data[position : position + size], "big")
            # The highest bit marks an essential property.
            if kinds.get(index) in TRANSFORMATIONS:
                yield position, (index | 1 << 8 * size - 1).to_bytes(size, "big")


def find_heic_patches(data: bytes, steps: Steps) -> Iterator[Patch]:
    """Yield positions and what belongs there."""
    meta = find_box(data, Box(b"", 0, len(data)), b"meta", steps)
    boxes = read_meta(data, meta, steps) if meta else {}
    if not {b"pitm", b"iref"} <= boxes.keys():
        return
    primary, iref = read_primary(data, boxes), boxes[b"iref"]
    item_bytes = 4 if Fields(data, iref).read(1) else 2
    for reference in read_boxes(data, iref.start + FULL_BYTES, iref.end, steps):
        if reference.kind == b"thmb" and Fields(data, reference).read(item_bytes) == primary:
            yield reference.start - 4, SKIPPED


def read_property_kinds(data: bytes, iprp: Box, steps: Steps) -> dict[int, bytes]:
    """Return the types of all properties by their indices, from 1."""
    ipco = find_box(data, iprp, b"ipco", steps)
    boxes = read_boxes(data, ipco.start, ipco.end, steps) if ipco else ()
    return {index: box.kind for index, box in enumerate(boxes, 1)}


def read_associations(data: bytes, ipma: Box, steps: Steps) -> Iterator[tuple[int, int]]:
    """Yield position and number of bytes of each index in a box (ISO/IEC 23008-12, 9.3)."""
    fields = Fields(data, ipma)
    item_bytes = 4 if fields.read(1) else 2
    size = 2 if fields.read(3) & 1 else 1
    position = ipma.start + 8
    for _ in range(fields.read(4)):
        fields.skip(item_bytes)
        count = fields.read(1)
        position += item_bytes + 1
        for _ in range(count):
            steps.take()
            fields.skip(size)
            yield position, size
            position += size
