"""Puts the pictures of a HEIF file together as the tiles of one, as phones do (ISO/IEC 23008-12, 6.6.2)."""

import struct

from bench.formats.matrix.heif_property import ESSENTIAL, find, read_boxes, resize


def add_grid(data: bytes, columns: int, rows: int, size_px: tuple[int, int]) -> bytes:
    """Return a file whose primary item is a grid of its items, row by row; ``size_px`` is (w, h).

    The file is one that libheif has written: its items are numbered from 1.
    """
    start, end = find(data, b"meta", 0, len(data))
    boxes = dict(read_boxes(data, start + 12, end))
    count = columns * rows
    number = count + 1
    boxes[b"pitm"] = boxes[b"pitm"][:12] + struct.pack(">H", number)
    infe = make_box(b"infe", struct.pack(">IHH4sx", 2 << 24, number, 0, b"grid"))
    iinf = boxes[b"iinf"]
    boxes[b"iinf"] = resize(iinf[:12] + struct.pack(">H", number) + iinf[14:] + infe)
    references = struct.pack(f">HH{count}H", number, count, *range(1, number))
    boxes[b"iref"] = make_box(b"iref", bytes(4) + make_box(b"dimg", references))
    boxes[b"iprp"] = share_properties(boxes[b"iprp"], count, size_px)
    iloc = boxes[b"iloc"]
    base_bytes = iloc[13] >> 4
    method = b"" if iloc[8] == 0 else bytes(2)
    # The grid's own bytes are in a box at the end of the file.
    place = struct.pack(">HII", 1, len(data) + 8, 8)
    entry = struct.pack(">H", number) + method + bytes(2 + base_bytes) + place
    boxes[b"iloc"] = resize(iloc[:14] + struct.pack(">H", number) + iloc[16:] + entry)
    meta = data[start : start + 12] + b"".join(boxes.values())
    # As long as it was, so that what lies behind it stays.
    meta = resize(meta + make_box(b"free", bytes(end - start - len(meta) - 8)))
    grid = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, *size_px)
    return data[:start] + meta + data[end:] + make_box(b"mdat", grid)


def share_properties(iprp: bytes, count: int, size_px: tuple[int, int]) -> bytes:
    """Return properties where all tiles have those of the first one, and the grid behind them a size.

    libheif reads at most 100 properties.
    """
    properties = dict(read_boxes(iprp, 8, len(iprp)))
    (shared,) = struct.unpack_from(">B", properties[b"ipma"], 18)
    own = [box for _, box in read_boxes(properties[b"ipco"], 8, len(properties[b"ipco"]))]
    ispe = make_box(b"ispe", struct.pack(">III", 0, *size_px))
    ipco = make_box(b"ipco", b"".join([*own[:shared], ispe]))
    indices = bytes(ESSENTIAL | index for index in range(1, shared + 1))
    tiles = (struct.pack(">HB", item, shared) + indices for item in range(1, count + 1))
    grid = struct.pack(">HBB", count + 1, 1, ESSENTIAL | shared + 1)
    ipma = make_box(b"ipma", struct.pack(">II", 0, count + 1) + b"".join([*tiles, grid]))
    return make_box(b"iprp", ipco + ipma)


def make_box(kind: bytes, content: bytes) -> bytes:
    """Return a box."""
    return struct.pack(">I4s", 8 + len(content), kind) + content
