"""Joins the metadata in a JPEG's APPn segments.

EXIF 2.32, 4.7.2; XMP part 3, 1.1.3; ICC.1:2010, B.4; JFIF 1.02.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from worker.image.formats.jpeg.segments import APP0, JFIF, JFIF_BYTES
from worker.image.samples import RawMetadata
from worker.image.segment_names import (
    EXIF_NAME,
    EXTENDED_XMP_NAME,
    ICC_NAME,
    PHOTOSHOP_NAME,
    XMP_NAME,
)

APP1, APP2, APP13 = 0xE1, 0xE2, 0xED
# The name's last byte, its padding, may have any value.
EXIF_START: Final = len(EXIF_NAME)
TIFF_MAGIC: Final = (b"II*\0", b"MM\0*")
GUID_BYTES: Final = 32

Applications = Sequence[tuple[int, bytes]]


def join_metadata(applications: Applications) -> RawMetadata:
    """Return the metadata in segments given by marker and content."""
    packet = next(iter(find(applications, APP1, XMP_NAME)), None)
    resources = b"".join(find(applications, APP13, PHOTOSHOP_NAME))
    extensions = find(applications, APP1, EXTENDED_XMP_NAME)
    return RawMetadata(
        exif=join_exif([c[EXIF_START:] for m, c in applications if m == APP1 and is_exif(c)]),
        xmp=packet,
        extended_xmp=None if packet is None else join_extended_xmp(packet, extensions),
        image_resources=resources or None,
        density=read_density(applications),
    )


def find(applications: Applications, marker: int, name: bytes) -> list[bytes]:
    """Return what follows the name in the segments that have it."""
    return [c[len(name) :] for m, c in applications if m == marker and c.startswith(name)]


def is_exif(content: bytes) -> bool:
    """Return whether an APP1 segment has EXIF's name."""
    return content.startswith(EXIF_NAME[:-1])


def join_exif(contents: Iterable[bytes]) -> bytes | None:
    """Return the first EXIF, with the segments that continue it: those that don't begin another."""
    joined: list[bytes] = []
    for content in contents:
        begins = content.startswith(TIFF_MAGIC)
        if joined and begins:
            break
        if joined or begins:
            joined.append(content)
    return b"".join(joined) or None


def join_extended_xmp(packet: bytes, contents: Iterable[bytes]) -> bytes | None:
    """Return the extended XMP that ``packet`` names by its digest, if it is complete."""
    parts: dict[int, bytes] = {}
    full_bytes = None
    for content in contents:
        digest, numbers = content[:GUID_BYTES], content[GUID_BYTES : GUID_BYTES + 8]
        if len(numbers) == 8 and digest in packet:
            full_bytes = int.from_bytes(numbers[:4], "big")
            parts[int.from_bytes(numbers[4:], "big")] = content[GUID_BYTES + 8 :]
    joined = bytearray()
    for offset, part in sorted(parts.items()):
        if offset != len(joined):
            return None
        joined += part
    return bytes(joined) if joined and len(joined) == full_bytes else None


def join_profile(applications: Applications) -> bytes | None:
    """Return the ICC profile, if each of its segments is there once."""
    contents = find(applications, APP2, ICC_NAME)
    parts = {content[0]: content[2:] for content in contents if len(content) > 2}
    counts = {content[1] for content in contents if len(content) > 2}
    count = len(contents)
    if counts != {count} or sorted(parts) != list(range(1, count + 1)):
        return None
    return b"".join(parts[number] for number in range(1, count + 1))


def read_density(applications: Applications) -> tuple[int, int, int] | None:
    """Return the density in the first JFIF segment: along x and y, and its unit."""
    for marker, content in applications:
        if marker == APP0 and content.startswith(JFIF) and len(content) >= JFIF_BYTES:
            return (
                int.from_bytes(content[8:10], "big"),
                int.from_bytes(content[10:12], "big"),
                content[7],
            )
    return None
