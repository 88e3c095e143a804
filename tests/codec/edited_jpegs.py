"""JPEG files with edited segments, for tests of what a reader accepts."""

from itertools import pairwise

import numpy as np

from codec.jpeg.decode.coefficients import read_source
from codec.jpeg.decode.marker_segments import Segment, SegmentReader
from codec.jpeg.syntax.component import Component
from codec.jpeg.syntax.huffman import build_table
from codec.jpeg.write.baseline_scan import write_scan
from codec.jpeg.write.marker_segments import write_huffman_tables, write_scan_header
from tests.codec.jpegs import pillow_jpeg
from tests.codec.pictures import scene

JFIF = b"\xff\xe0\x00\x10JFIF\0\1\1\0\0\1\0\1\0\0"
COLOUR = pillow_jpeg(scene(33, 31), quality=80)
PROGRESSIVE = pillow_jpeg(scene(33, 31), quality=80, progressive=True)


def find_segment(data: bytes, marker: int) -> Segment:
    """Return the first segment with that marker."""
    return next(segment for segment in SegmentReader(data) if segment.marker == marker)


def replace_in_segment(data: bytes, marker: int, old: bytes, new: bytes) -> bytes:
    """Return the file with `old` replaced by `new` in the first segment with that marker."""
    segment = find_segment(data, marker)
    assert old in data[segment.start : segment.end]
    changed = data[segment.start : segment.end].replace(old, new, 1)
    return data[: segment.start] + changed + data[segment.end :]


def set_sampling(data: bytes, *factors: int) -> bytes:
    """Return a baseline file with other sampling factors in its frame header."""
    frame = find_segment(data, 0xC0)
    changed = bytearray(data)
    for i, factor in enumerate(factors):
        changed[frame.start + 11 + 3 * i] = factor
    return bytes(changed)


def name_components(data: bytes, identifiers: bytes) -> bytes:
    """Return a baseline file with other component identifiers."""
    changed = bytearray(data)
    frame, scan = find_segment(data, 0xC0), find_segment(data, 0xDA)
    for i, identifier in enumerate(identifiers):
        changed[frame.start + 10 + 3 * i] = changed[scan.start + 5 + 2 * i] = identifier
    return bytes(changed)


def make_adobe(transform: int) -> bytes:
    """Return Adobe's APP14 segment with a colour transform."""
    return b"\xff\xee\x00\x0eAdobe\0\x64\0\0\0\0" + bytes((transform,))


def replace_jfif(data: bytes, *segments: bytes) -> bytes:
    """Return a file of Pillow's with other segments in the place of JFIF's."""
    assert data[2:4] == b"\xff\xe0"
    return b"".join([data[:2], *segments, data[20:]])


def drop_last_scan(data: bytes) -> bytes:
    """Return a progressive file without its last scan."""
    starts = [i for i, (a, b) in enumerate(pairwise(data)) if (a, b) == (0xFF, 0xDA)]
    tables = data.rfind(b"\xff\xc4", 0, starts[-1])
    return data[:tables] + b"\xff\xd9"


def separate_scans(data: bytes) -> bytes:
    """Return a baseline file with each component in a scan of its own (T.81 A.2.2)."""
    source = read_source(data)
    parts = []
    for segment in SegmentReader(data):
        if segment.marker == 0xDA:
            break
        if segment.marker != 0xC4:
            parts.append(data[segment.start : segment.end])
    ac = build_table(np.ones(256, np.int64))
    dc = build_table((np.arange(256) < 12).astype(np.int64))
    none = np.zeros((0, 0), np.float32)
    for i, qcoefs in enumerate(source.qcoefs):
        across, down = (1, 1) if i == 0 else (source.horizontal, source.vertical)
        rows, columns = -(-source.height // (8 * down)), -(-source.width // (8 * across))
        real = np.ascontiguousarray(qcoefs[:rows, :columns])
        component = Component(0, 1, 1, rows, columns, none, none, none, none)
        scan = write_scan([component], [real], [dc], [ac], 32 * real.size)
        parts += [write_huffman_tables([dc], [ac]), write_scan_header([(i, 0, 0)]), scan]
    return b"".join([b"\xff\xd8", *parts, b"\xff\xd9"])
