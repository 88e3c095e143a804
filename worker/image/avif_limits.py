"""Checks an AVIF before libavif opens it: its pieces and frames are no larger than it says."""

from collections.abc import Iterator
from typing import Final

from contract.errors import CorruptImageError, TooManyPixelsError
from contract.image_headers.boxes import FULL_BYTES, Box, Fields, find_box, read_boxes
from contract.image_headers.heif_items import read_content, read_items, read_meta, read_types
from contract.image_headers.steps import Steps
from worker.image.av1 import find_largest_frame_px

# Colours, alpha, a gain map and a thumbnail.
MAX_PICTURES: Final = 4
PATH_TO_SAMPLES: Final = (b"mdia", b"minf", b"stbl")
# Bytes of an offset in the boxes with chunk offsets (ISO/IEC 14496-12, 8.7.5).
OFFSET_BYTES: Final = {b"stco": 4, b"co64": 8}


def check_avif(data: bytes, max_pixels: int) -> None:
    """Check the frames of all items and tracks, and the pieces of items.

    libavif has limits of its own, which are higher: a frame may have 268 million pixels, whatever size
    the file declares, and each item that is in pieces is copied, even if all items share their bytes.

    Raises:
        TooManyPixelsError: when a frame has more than ``max_pixels``.
        CorruptImageError: when all frames or all pieces together are far larger than the file says.
        struct.error: when a box is truncated.
        TooManyStepsError: when there are too many items, boxes or OBUs.
    """
    steps, total_px = Steps(), 0
    file = Box(b"", 0, len(data))
    for box in read_boxes(data, 0, file.end, steps):
        if box.kind == b"meta":
            streams = read_item_streams(data, box, steps)
        elif box.kind == b"moov":
            streams = read_track_streams(data, box, steps)
        else:
            continue
        for stream in streams:
            frame_px = find_largest_frame_px(stream, steps)
            total_px += frame_px
            if frame_px > max_pixels:
                raise TooManyPixelsError(
                    f"A frame of the image has {frame_px} pixels; at most {max_pixels} are accepted."
                )
    if total_px > MAX_PICTURES * max_pixels:
        raise CorruptImageError("The image's tiles are larger than the image.")


def read_item_streams(data: bytes, meta: Box, steps: Steps) -> Iterator[bytes | memoryview]:
    """Yield the bitstream of each item of AV1; check the pieces of all items."""
    boxes = read_meta(data, meta, steps)
    types = set(read_types(data, boxes, steps))
    in_pieces_bytes = 0
    for item in read_items(data, boxes, steps):
        if len(item.extents) > 1:
            in_pieces_bytes += sum(length or len(data) for _, length in item.extents)
            if in_pieces_bytes > len(data):
                raise CorruptImageError("The pieces of the image are larger than the file.")
        if (item.number, b"av01") in types:
            yield read_content(memoryview(data), boxes, item, len(data))


def read_track_streams(data: bytes, moov: Box, steps: Steps) -> Iterator[bytes | memoryview]:
    """Yield the first sample of each track, as no other is decoded, and what its items yield."""
    for track in read_boxes(data, moov.start, moov.end, steps):
        box: Box | None = track if track.kind == b"trak" else None
        if box and (meta := find_box(data, box, b"meta", steps)):
            yield from read_item_streams(data, meta, steps)
        for kind in PATH_TO_SAMPLES:
            box = box and find_box(data, box, kind, steps)
        if not box:
            continue
        boxes = {inner.kind: inner for inner in read_boxes(data, box.start, box.end, steps)}
        offsets = next((boxes[kind] for kind in OFFSET_BYTES if kind in boxes), None)
        if offsets and b"stsz" in boxes:
            fields = Fields(data, offsets)
            fields.skip(FULL_BYTES + 4)
            start = fields.read(OFFSET_BYTES[offsets.kind])
            fields = Fields(data, boxes[b"stsz"])
            fields.skip(FULL_BYTES)
            size = fields.read(4)  # of all samples, or 0 if a list follows
            fields.skip(4)
            yield memoryview(data)[start : start + (size or fields.read(4))]
