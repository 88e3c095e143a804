"""Checks a HEIC before libheif opens it: what its picture consists of is no larger than it says."""

from collections.abc import Iterator
from typing import Final

from contract.errors import CorruptImageError, TooManyPixelsError
from contract.image_headers.boxes import FULL_BYTES, Box, Fields, find_box, read_boxes
from contract.image_headers.heif_items import (
    read_content,
    read_items,
    read_meta,
    read_primary,
    read_references,
)
from contract.image_headers.steps import MAX_STEPS, Steps
from worker.image.hevc import find_coded_px, find_configured_px

# Colours with their tiles, alpha, depth, a gain map and one more.
MAX_PICTURES: Final = 5
# Tiles have several pieces each.
HEIC_STEPS: Final = 4 * MAX_STEPS


def check_heic(data: bytes, max_pixels: int) -> None:
    """Check the sizes of the primary item and of all that belongs to it: tiles, layers, alpha.

    Other pictures of the file are not decoded, such as those of a burst.

    Raises:
        TooManyPixelsError: when one of them has more than ``max_pixels``.
        CorruptImageError: when they are far larger together, or a box is missing.
        struct.error: when a box is truncated.
        TooManyStepsError: when there are too many items, boxes or NAL units.
    """
    steps = Steps(HEIC_STEPS)
    meta = find_box(data, Box(b"", 0, len(data)), b"meta", steps)
    boxes = read_meta(data, meta, steps) if meta else {}
    if not {b"pitm", b"iprp"} <= boxes.keys():
        raise CorruptImageError("The file has no primary item.")
    needed = find_needed(data, boxes, steps)
    sizes_px = dict(read_property_sizes(data, boxes[b"iprp"], needed, steps))
    for item in read_items(data, boxes, steps):
        # Derived items have few bytes, which are no NAL units.
        if item.number in needed:
            content = read_content(memoryview(data), boxes, item, len(data))
            coded_px = find_coded_px(content, steps)
            sizes_px[item.number] = max(sizes_px.get(item.number, 0), coded_px)
    largest_px = max(sizes_px.values(), default=0)
    if largest_px > max_pixels:
        raise TooManyPixelsError(
            f"A part of the image has {largest_px} pixels; at most {max_pixels} are accepted."
        )
    if sum(sizes_px.values()) > MAX_PICTURES * max_pixels:
        raise CorruptImageError("The image's tiles are larger than the image.")


def find_needed(data: bytes, boxes: dict[bytes, Box], steps: Steps) -> set[int]:
    """Return the primary item, and those that it is derived from or that are auxiliary to them."""
    needed: set[int] = set()
    found = [read_primary(data, boxes)]
    # By item: those to look at next.
    links: dict[int, list[int]] = {}
    iref = boxes.get(b"iref")
    for reference in read_references(data, iref, steps) if iref else ():
        if reference.kind == b"dimg":
            links.setdefault(reference.item, []).extend(reference.targets)
        elif reference.kind == b"auxl":
            for target in reference.targets:
                links.setdefault(target, []).append(reference.item)
    while found:
        if (item := found.pop()) not in needed:
            needed.add(item)
            found += links.get(item, [])
    return needed


def read_property_sizes(
    data: bytes, iprp: Box, needed: set[int], steps: Steps
) -> Iterator[tuple[int, int]]:
    """Yield items and the largest number of pixels in their properties."""
    ipco = find_box(data, iprp, b"ipco", steps)
    properties = list(read_boxes(data, ipco.start, ipco.end, steps)) if ipco else []
    sizes_px = [0, *(read_property_px(data, box, steps) for box in properties)]
    for box in read_boxes(data, iprp.start, iprp.end, steps):
        if box.kind != b"ipma":
            continue
        fields = Fields(data, box)
        item_bytes = 4 if fields.read(1) else 2
        index_bytes = 2 if fields.read(3) & 1 else 1
        mask = (1 << 8 * index_bytes - 1) - 1
        for _ in range(fields.read(4)):
            steps.take()
            item, count = fields.read(item_bytes), fields.read(1)
            indices = [fields.read(index_bytes) & mask for _ in range(count)]
            if item in needed:
                yield item, max((sizes_px[i] for i in indices if i < len(sizes_px)), default=0)


def read_property_px(data: bytes, box: Box, steps: Steps) -> int:
    """Return the pixels that a property declares; 0 if it is of another type."""
    if box.kind == b"ispe":
        fields = Fields(data, box)
        fields.skip(FULL_BYTES)
        return fields.read(4) * fields.read(4)
    if box.kind == b"hvcC":
        return find_configured_px(data[box.start : box.end], steps)
    return 0
