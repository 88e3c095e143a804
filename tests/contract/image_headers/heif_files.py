"""Small HEIF files, box by box (ISO/IEC 14496-12, ISO/IEC 23008-12)."""

import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from PIL import Image


def box(kind: bytes, content: bytes = b"") -> bytes:
    """Return a box."""
    return struct.pack(">I4s", 8 + len(content), kind) + content


def full_box(kind: bytes, content: bytes = b"", version: int = 0, flags: int = 0) -> bytes:
    """Return a box with a version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags) + content)


@dataclass
class HeifItem:
    """An item; items are numbered from 1."""

    kind: bytes
    content: bytes
    size_px: tuple[int, int] | None
    properties: Sequence[bytes] = ()
    """Further property boxes."""
    parts: Sequence[int] = ()
    """Items that a grid consists of."""
    extents: Sequence[tuple[int, int]] = field(default=())
    """Offsets in the content, and lengths; by default the whole."""
    in_idat: bool = False


def heif_file(items: Sequence[HeifItem], brand: bytes = b"avif") -> bytes:
    """Return a file whose first item is the primary one."""
    ftyp = box(b"ftyp", brand + b"\0\0\0\0" + brand + b"mif1miaf")
    meta = make_meta(items, 0)
    meta = make_meta(items, len(ftyp) + len(meta) + 8)
    return ftyp + meta + box(b"mdat", b"".join(item.content for item in items if not item.in_idat))


def make_meta(items: Sequence[HeifItem], mdat: int) -> bytes:
    """Return the MetaBox of a file whose MediaDataBox has its content at ``mdat``."""
    properties: list[bytes] = []
    associations, infos, references, locations, idat = b"", b"", b"", b"", b""
    for number, item in enumerate(items, 1):
        ispe = [full_box(b"ispe", struct.pack(">II", *item.size_px))] if item.size_px else []
        own = [*ispe, *item.properties]
        properties += [prop for prop in own if prop not in properties]
        indices = bytes(0x80 | properties.index(prop) + 1 for prop in own)
        associations += struct.pack(">HB", number, len(own)) + indices
        infos += full_box(b"infe", struct.pack(">HH4sx", number, 0, item.kind), version=2)
        if item.parts:
            parts = struct.pack(f">HH{len(item.parts)}H", number, len(item.parts), *item.parts)
            references += box(b"dimg", parts)
        extents = item.extents or [(0, len(item.content))]
        base = len(idat) if item.in_idat else mdat
        locations += struct.pack(">HHHIH", number, item.in_idat, 0, base, len(extents))
        locations += b"".join(struct.pack(">II", *extent) for extent in extents)
        if item.in_idat:
            idat += item.content
        else:
            mdat += len(item.content)
    return full_box(
        b"meta",
        full_box(b"hdlr", struct.pack(">I4s13x", 0, b"pict"))
        + full_box(b"pitm", struct.pack(">H", 1))
        + full_box(b"iinf", struct.pack(">H", len(items)) + infos)
        + (full_box(b"iref", references) if references else b"")
        + box(
            b"iprp",
            box(b"ipco", b"".join(properties))
            + full_box(b"ipma", struct.pack(">I", len(items)) + associations),
        )
        + full_box(b"iloc", struct.pack(">HH", 0x4440, len(items)) + locations, version=1)
        + (box(b"idat", idat) if idat else b""),
    )


def make_tile(width_px: int, height_px: int) -> HeifItem:
    """Return an item of AV1, encoded with Pillow."""
    buffer = io.BytesIO()
    Image.new("RGB", (width_px, height_px), (200, 100, 50)).save(buffer, "AVIF", speed=10)
    data = buffer.getvalue()
    at = data.index(b"mdat")
    start = data.index(b"pixi") - 4, data.index(b"av1C") - 4
    properties = [data[i : i + int.from_bytes(data[i : i + 4], "big")] for i in start]
    return HeifItem(b"av01", data[at + 4 :], (width_px, height_px), properties)


def make_grid(
    rows: int, columns: int, size_px: tuple[int, int], tile: HeifItem, **options: bool
) -> list[HeifItem]:
    """Return the items of a grid of equal tiles."""
    content = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, *size_px)
    count = rows * columns
    grid = HeifItem(
        b"grid", content, size_px, tile.properties, parts=range(2, 2 + count), **options
    )
    return [grid, *[tile] * count]
