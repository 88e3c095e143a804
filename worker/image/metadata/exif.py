"""Chooses the kept part of a photo's EXIF (EXIF 2.32): what is kept stays byte for byte as it was."""

import struct
from typing import Final

from contract.image_headers import tiff
from contract.messages import Metadata
from worker.image.metadata.directories import (
    EXIF_IFD,
    GPS_IFD,
    IFD,
    INTEGERS,
    INTEROPERABILITY_IFD,
    RATIONAL,
    SHORT,
    Directory,
    Entry,
    move_tables_behind,
    pack,
    read_directories,
    write_directories,
)
from worker.image.metadata.geometry import Geometry
from worker.image.metadata.maker_note import drop_false
from worker.image.metadata.required_tags import (
    CENTRED,
    CHROMA_POSITIONING,
    RESOLUTION_UNIT,
    UNITS,
    X_RESOLUTION,
    Y_RESOLUTION,
    Coding,
    add_required,
)
from worker.image.segment_names import EXIF_NAME

MAKE, ORIENTATION, MAKER_NOTE = 0x010F, 0x0112, 0x927C
COPYRIGHT_TAGS: Final = frozenset({0x013B, 0x8298, 0x9C9D})  # Artist, Copyright, XPAuthor
JFIF_UNITS: Final = {number: unit for unit, number in UNITS.items()}
# EXIF 2.32, 4.6.8: a directory without them is not valid.
REQUIRED: Final = frozenset({X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT, CHROMA_POSITIONING})
# Tags that are not copied. They describe how a TIFF or DNG stores its pixels (TIFF 6.0, DNG 1.7) and
# where its pixels lie on the earth (GeoTIFF 1.1), point to further directories, or hold blocks that are
# separate segments of a JPEG.
STRUCTURE: Final = frozenset(
    {254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 277, 278, 279, 280, 281, 284}
    | {288, 289, 290, 291, 292, 293, 297, 301, 317, 318, 319, 320, 321, 322, 323, 324, 325, 330}
    | {332, 333, 334, 336, 337, 338, 339, 340, 341, 342, 343, 347, 400, 512, 513, 514, 515, 517}
    | {518, 519, 520, 521, 529, 530, 532, 700, 33421, 33422, 33723, 34377, 34675, 37724}
    | {33550, 33920, 33922, 34264, 34735, 34736, 34737, 0x9102}
    | {0x8897}  # of Xiaomi: a video is behind the photo
    | {*range(50706, 50898), *range(50900, 51200), *range(52525, 52560)}
)
# With one of them a directory describes samples as those of a TIFF: the photometric interpretation, the
# offsets of strips or tiles.
STORED_PIXELS: Final = frozenset({262, 273, 324})
# Places in the photo, and its pixels per unit of the sensor.
IN_PIXELS: Final = frozenset({0x9214, 0xA214, 0xA20E, 0xA20F, 0xA210})
# Width and height of the photo, in the directories for EXIF and interoperability.
SIDES: Final = ((0xA002, 0xA003), (0x1001, 0x1002))


def write_exif(
    exif: bytes,
    keep: Metadata,
    geometry: Geometry,
    longest_bytes: int,
    coding: Coding | None = None,
) -> bytes | None:
    """Return the payload of an EXIF segment, None if there is nothing to keep.

    Tags keep type, count and bytes, except that the orientation is set to upright and sizes to the
    finished photo's. With ``coding``, tags are added that EXIF must have in a JPEG. The thumbnail is
    left out, since it shows the original photo. Maker notes stay where they are, because their offsets
    may count from the beginning of EXIF; they are left out if they can't, or if the payload would be
    longer than ``longest_bytes``. A payload that is still longer is dropped.
    """
    root = read_directories(exif)
    if root is None:
        return None
    order = tiff.byte_order(exif)
    if coding is None and not STORED_PIXELS.isdisjoint(entry.tag for entry in root.entries):
        add_chroma_positioning(root, order)
    if keep == "copyright":
        keep_copyright(root)
    else:
        drop_structure(root)
        update(root, order, geometry)
    if {entry.tag for entry in root.entries} <= {ORIENTATION, *REQUIRED}:
        return None
    if coding is not None:
        add_required(root, order, geometry, coding)
    longest_bytes -= len(EXIF_NAME)
    written = None
    details = root.children.get(EXIF_IFD)
    if details is not None and details.find(MAKER_NOTE) is not None:
        if coding is not None:
            move_tables_behind(root)
        written = write_directories(root, order, longest_bytes)
        if written is None:
            details.drop(frozenset({MAKER_NOTE}))
    if written is None:
        pack(root)
        written = write_directories(root, order, longest_bytes)
    return None if written is None else EXIF_NAME + written


def read_density(exif: bytes) -> tuple[int, int, int] | None:
    """Return pixels along x and y per unit, as in JFIF; None if EXIF has no such or they are damaged."""
    root, order = read_directories(exif), tiff.byte_order(exif)
    if root is None:
        return None
    densities = []
    for tag in (X_RESOLUTION, Y_RESOLUTION):
        entry = root.find(tag)
        if entry is None or entry.type != RATIONAL or entry.count != 1:
            return None
        numerator, denominator = struct.unpack(order + "II", entry.value)
        densities.append(round(numerator / denominator) if denominator else 0)
    unit = root.find(RESOLUTION_UNIT)
    is_short = unit is not None and unit.type == SHORT and unit.count == 1
    number = struct.unpack(order + "H", unit.value)[0] if unit is not None and is_short else 2
    if number not in JFIF_UNITS or not all(0 < density <= 0xFFFF for density in densities):
        return None
    return densities[0], densities[1], JFIF_UNITS[number]


def keep_copyright(root: Directory) -> None:
    """Keep author and rights in the first directory, with what it needs to be valid."""
    root.children = {}
    kept = COPYRIGHT_TAGS | REQUIRED
    # Cameras write empty names.
    root.entries = [e for e in root.entries if e.tag in kept and e.value.strip(b"\0 ")]


def drop_structure(directory: Directory) -> None:
    """Drop what describes the stored pixels, and pointers to directories that are not kept."""
    pointers = {EXIF_IFD, GPS_IFD, INTEROPERABILITY_IFD}
    directory.entries = [
        entry
        for entry in directory.entries
        if entry.tag in directory.children
        or not (entry.tag in STRUCTURE or entry.tag in pointers or entry.type == IFD)
    ]
    for child in directory.children.values():
        drop_structure(child)


def add_chroma_positioning(root: Directory, order: str) -> None:
    """Add what EXIF requires in a JPEG beside the resolution, and what a TIFF does without."""
    if root.find(X_RESOLUTION) is not None and root.find(CHROMA_POSITIONING) is None:
        root.entries.append(Entry(CHROMA_POSITIONING, SHORT, 1, struct.pack(order + "H", 1)))


def update(root: Directory, order: str, geometry: Geometry) -> None:
    """Let EXIF describe the finished photo."""
    set_integer(root, ORIENTATION, 1, order)
    set_integer(root, CHROMA_POSITIONING, CENTRED, order)  # as in JFIF
    across, down = root.find(X_RESOLUTION), root.find(Y_RESOLUTION)
    if geometry.turns_sides and across is not None and down is not None:
        across.tag, down.tag = down.tag, across.tag
    details = root.children.get(EXIF_IFD)
    if details is None:
        return
    interoperability = details.children.get(INTEROPERABILITY_IFD)
    for directory, sides in zip((details, interoperability), SIDES, strict=True):
        if directory is not None:
            for tag, side_px in zip(sides, geometry.finished_px, strict=True):
                set_integer(directory, tag, side_px, order)
    if not geometry.is_unchanged:
        details.drop(IN_PIXELS)
    make = root.find(MAKE)
    for entry in details.entries:
        if entry.tag == MAKER_NOTE:
            entry.value = drop_false(entry.value, make.value if make else b"", order)


def set_integer(directory: Directory, tag: int, value: int, order: str) -> None:
    """Set all entries of ``tag``, in their own type if that has such values, else as SHORT."""
    for entry in directory.entries:
        if entry.tag == tag:
            kind = entry.type if entry.type in INTEGERS and entry.count == 1 else SHORT
            try:
                packed = struct.pack(order + INTEGERS[kind], value)
            except struct.error:
                kind, packed = SHORT, struct.pack(order + INTEGERS[SHORT], value)
            entry.type, entry.count, entry.value, entry.start = kind, 1, packed, None
