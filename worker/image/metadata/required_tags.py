"""Adds the tags without which EXIF is not valid in a JPEG (EXIF 2.32, 4.6.8): other formats do without."""

import struct
from dataclasses import dataclass
from typing import Final

from worker.image.metadata.directories import (
    BYTE,
    EXIF_IFD,
    GPS_IFD,
    LONG,
    RATIONAL,
    SHORT,
    UNDEFINED,
    Directory,
    Entry,
)
from worker.image.metadata.geometry import Geometry

X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 0x011A, 0x011B, 0x0128
CHROMA_POSITIONING, CENTRED = 0x0213, 1
# By JFIF's unit, that of TIFF 6.0, section 8: none, inch, centimetre.
UNITS: Final = {0: 1, 1: 2, 2: 3}
# EXIF 2.32, 4.6.4: what stands for an unknown resolution.
UNKNOWN: Final = (72, 72, 1)
SRGB, UNCALIBRATED = 1, 0xFFFF


@dataclass(frozen=True, slots=True)
class Coding:
    """What the tags say about the JPEG."""

    components: int
    """1 for grey, 3 for YCbCr."""
    has_profile: bool
    """Whether its colours are those of an ICC profile, and not sRGB."""
    density: tuple[int, int, int] | None
    """As in `RawMetadata`; None if it is unknown."""


def add_required(root: Directory, order: str, geometry: Geometry, coding: Coding) -> None:
    """Add what is missing in the directories that there are.

    ``order`` is the byte order in formats of ``struct``.
    """
    add_missing(root, list_resolution(root, order, coding.density))
    if details := root.children.get(EXIF_IFD):
        add_missing(details, list_details(order, geometry, coding))
    if gps := root.children.get(GPS_IFD):
        add_missing(gps, [Entry(0x0000, BYTE, 4, bytes((2, 3, 0, 0)))])


def add_missing(directory: Directory, entries: list[Entry]) -> None:
    """Add those entries whose tags a directory doesn't have."""
    directory.entries += [entry for entry in entries if directory.find(entry.tag) is None]


def list_resolution(
    root: Directory, order: str, density: tuple[int, int, int] | None
) -> list[Entry]:
    """Return the tags of the first directory; of a resolution in one direction, the same for both."""
    known = root.find(X_RESOLUTION) or root.find(Y_RESOLUTION)
    across, down, unit = UNKNOWN if density is None or known else density
    values = {X_RESOLUTION: across, Y_RESOLUTION: down}
    resolutions = [
        Entry(tag, known.type, known.count, known.value)
        if known
        else Entry(tag, RATIONAL, 1, struct.pack(order + "II", value, 1))
        for tag, value in values.items()
    ]
    return [
        *resolutions,
        Entry(RESOLUTION_UNIT, SHORT, 1, struct.pack(order + "H", UNITS[unit])),
        Entry(CHROMA_POSITIONING, SHORT, 1, struct.pack(order + "H", CENTRED)),
    ]


def list_details(order: str, geometry: Geometry, coding: Coding) -> list[Entry]:
    """Return the tags of the directory for EXIF."""
    width_px, height_px = geometry.finished_px
    # The numbers of Y, Cb and Cr, and 0 for none.
    components = bytes((1, 2, 3, 0) if coding.components > 1 else (1, 0, 0, 0))
    colours = UNCALIBRATED if coding.has_profile else SRGB
    return [
        Entry(0x9000, UNDEFINED, 4, b"0232"),  # ExifVersion
        Entry(0x9101, UNDEFINED, 4, components),
        Entry(0xA000, UNDEFINED, 4, b"0100"),  # FlashpixVersion
        Entry(0xA001, SHORT, 1, struct.pack(order + "H", colours)),
        Entry(0xA002, LONG, 1, struct.pack(order + "I", width_px)),
        Entry(0xA003, LONG, 1, struct.pack(order + "I", height_px)),
    ]
