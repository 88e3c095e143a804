"""Writes the marker segments for density, EXIF, XMP, IPTC and the colour profile.

JFIF 1.02; EXIF 2.32, 4.7.2; XMP part 3, 1.1.3; ICC.1:2010, B.4.
"""

import struct
from collections.abc import Iterator
from typing import Final

from codec import write_segment
from contract.messages import Metadata
from worker.image.metadata.exif import read_density, write_exif
from worker.image.metadata.geometry import Geometry
from worker.image.metadata.image_resources import write_image_resources
from worker.image.metadata.required_tags import Coding
from worker.image.metadata.xmp import write_xmp
from worker.image.samples import RawMetadata
from worker.image.segment_names import ICC_NAME

APP0, APP1, APP2, APP13 = 0xE0, 0xE1, 0xE2, 0xED
Density = tuple[int, int, int]
JFIF: Final = b"JFIF\0"
JFIF_BYTES: Final = 18
# Where a file that begins with JFIF's segment has its density: unit, across, down.
DENSITY: Final = slice(13, 18)
# What a JPEG says that has no density: square pixels.
SQUARE: Final = (1, 1, 0)
# T.81, B.1.1.4: the length field has 16 bits and counts its own two bytes.
LONGEST_PAYLOAD_BYTES: Final = 65_533
# The largest profiles, those of printers, have about 3 MB.
LONGEST_PROFILE_BYTES: Final = 4 * 1024 * 1024


def write_segments(
    metadata: RawMetadata,
    keep: Metadata,
    geometry: Geometry,
    profile: bytes | None,
    components: int | None = None,
) -> bytes:
    """Return the kept metadata of an upload as consecutive segments.

    ``components`` are those of the finished JPEG, None if the upload was a JPEG: its EXIF gets no further tags.
    With ``all``, JFIF's segment comes first if there is a density; `insert` puts it in place of the
    encoder's. EXIF that doesn't fit into one segment is left out.
    """
    kept = write_kept(metadata, keep, geometry, components, has_profile=profile is not None)
    segments = [] if keep == "none" else list(kept)
    if profile is not None:
        segments += split_profile(profile)
    return b"".join(segments)


def write_kept(
    metadata: RawMetadata,
    keep: Metadata,
    geometry: Geometry,
    components: int | None,
    *,
    has_profile: bool,
) -> Iterator[bytes]:
    """Yield the segments of all metadata but the profile."""
    density = find_density(metadata, geometry)
    coding = None if components is None else Coding(components, has_profile, density)
    if keep == "all" and density:
        yield write_segment(APP0, write_jfif(density))
    if metadata.exif is not None and (
        exif := write_exif(metadata.exif, keep, geometry, LONGEST_PAYLOAD_BYTES, coding)
    ):
        yield write_segment(APP1, exif)
    for payload in write_xmp(metadata, keep, geometry, has_profile=has_profile):
        yield write_segment(APP1, payload)
    if metadata.image_resources is not None and (
        resources := write_image_resources(
            metadata.image_resources, keep, geometry, LONGEST_PAYLOAD_BYTES
        )
    ):
        yield write_segment(APP13, resources)


def find_density(metadata: RawMetadata, geometry: Geometry) -> Density | None:
    """Return the density of the finished photo, which may be turned; None if there is none to keep.

    A photo that is resized keeps it, as in other programs: it says how large to print a pixel.
    """
    density = metadata.density
    if density is None and metadata.exif is not None:
        density = read_density(metadata.exif)
    if density is None or density == SQUARE:
        return None
    across, down, unit = density
    if unit > 2 or not all(0 < side <= 0xFFFF for side in (across, down)):
        return None
    return (down, across, unit) if geometry.turns_sides else density


def write_jfif(density: Density) -> bytes:
    """Return the payload of JFIF's segment, without a thumbnail."""
    across, down, unit = density
    return JFIF + struct.pack(">2BBHHBB", 1, 2, unit, across, down, 0, 0)


def split_profile(profile: bytes) -> Iterator[bytes]:
    """Yield a profile's segments, each with its number and their count (ICC.1:2010, B.4)."""
    length = LONGEST_PAYLOAD_BYTES - len(ICC_NAME) - 2
    parts = [profile[at : at + length] for at in range(0, len(profile), length)]
    for number, part in enumerate(parts, 1):
        yield write_segment(APP2, ICC_NAME + bytes((number, len(parts))) + part)


def insert(jpeg: bytes, segments: bytes) -> bytes:
    """Return a JPEG with ``segments`` after its JFIF segment, or after SOI if it has none.

    If they begin with a JFIF segment, its density becomes the JPEG's.
    """
    own, segments = split_jfif(segments)
    at = 2
    if jpeg[2:4] == bytes((0xFF, APP0)):
        at += 2 + int.from_bytes(jpeg[4:6], "big")
        if own and jpeg.startswith(JFIF, 6):
            jpeg = (
                jpeg[: DENSITY.start]
                + own[DENSITY.start - 2 : DENSITY.stop - 2]
                + jpeg[DENSITY.stop :]
            )
    return jpeg[:at] + segments + jpeg[at:]


def count_added_bytes(segments: bytes) -> int:
    """Return the bytes by which `insert` makes a JPEG longer."""
    return len(split_jfif(segments)[1])


def split_jfif(segments: bytes) -> tuple[bytes, bytes]:
    """Return the JFIF segment with which ``segments`` begin, or nothing, and the others."""
    length = JFIF_BYTES if segments.startswith(bytes((0xFF, APP0))) else 0
    return segments[:length], segments[length:]
