"""Reads the metadata of a PNG: eXIf, pHYs, Adobe's XMP, and ImageMagick's profiles in hexadecimal."""

import re
import zlib
from typing import Final

from worker.image.formats.density import density_per_metre
from worker.image.formats.png.chunks import Chunks
from worker.image.limits import LONGEST_EXIF_BYTES
from worker.image.samples import RawMetadata
from worker.image.segment_names import EXIF_NAME, PHOTOSHOP_NAME, XMP_NAME

# XMP part 3, 1.1.5.
XMP: Final = b"XML:com.adobe.xmp"
RAW_EXIF, RAW_APP1, RAW_XMP = (b"Raw profile type " + name for name in (b"exif", b"APP1", b"xmp"))
RAW_IPTC, RAW_8BIM = (b"Raw profile type " + name for name in (b"iptc", b"8bim"))
KEYWORDS: Final = frozenset({XMP, RAW_EXIF, RAW_APP1, RAW_XMP, RAW_IPTC, RAW_8BIM})
# Twice as many hexadecimal digits as bytes, and line ends.
LONGEST_TEXT_BYTES: Final = 9 * 1024 * 1024

RESOURCE: Final = b"8BIM"
# IIM 4.2, 1.5: each data set begins with it. 0x0404 is Photoshop's resource that holds them.
IPTC_MARKER: Final = b"\x1c"
IPTC_RESOURCE: Final = RESOURCE + b"\x04\x04\0\0"
# A line end, the profile's name, its length, and digits.
RAW_PROFILE: Final = re.compile(rb"\n?[^\n]*\n *\d+\n([0-9a-fA-F\s]*)\Z")
METRE: Final = 1


def read_metadata(chunks: Chunks) -> RawMetadata:
    """Return what is readable; the rest is left out."""
    exif = drop_name(chunks.first.get(b"eXIf"), EXIF_NAME)
    app1 = read_raw_profile(chunks, RAW_APP1)
    if exif is None:
        exif = drop_name(read_raw_profile(chunks, RAW_EXIF), EXIF_NAME)
    if exif is None and app1 is not None and app1.startswith(EXIF_NAME):
        exif = drop_name(app1, EXIF_NAME)
    xmp = read_text(chunks, XMP) or read_raw_profile(chunks, RAW_XMP)
    if xmp is None and app1 is not None and app1.startswith(XMP_NAME):
        xmp = app1
    resources = read_raw_profile(chunks, RAW_8BIM) or read_raw_profile(chunks, RAW_IPTC)
    return RawMetadata(
        exif=exif if exif is not None and len(exif) <= LONGEST_EXIF_BYTES else None,
        xmp=drop_name(xmp, XMP_NAME),
        image_resources=wrap_resources(drop_name(resources, PHOTOSHOP_NAME)),
        density=read_density(chunks.first.get(b"pHYs", b"")),
    )


def drop_name(content: bytes | None, name: bytes) -> bytes | None:
    """Return ``content`` without the name that a JPEG's segment has; None if it is empty."""
    return content.removeprefix(name) or None if content is not None else None


def wrap_resources(content: bytes | None) -> bytes | None:
    """Return ``content`` as Photoshop's image resources if it is that or IPTC."""
    if content is None or content.startswith(RESOURCE):
        return content
    if not content.startswith(IPTC_MARKER):
        return None
    return IPTC_RESOURCE + len(content).to_bytes(4, "big") + content + bytes(len(content) % 2)


def read_density(content: bytes) -> tuple[int, int, int] | None:
    """Return what pHYs says, None if it has no unit, and thus only the shape of a pixel."""
    if len(content) != 9 or content[8] != METRE:
        return None
    return density_per_metre(
        int.from_bytes(content[:4], "big"), int.from_bytes(content[4:8], "big")
    )


def read_raw_profile(chunks: Chunks, keyword: bytes) -> bytes | None:
    """Return the bytes that a text has as hexadecimal digits, as ImageMagick writes it."""
    text = read_text(chunks, keyword)
    found = RAW_PROFILE.match(text) if text else None
    if found is None:
        return None
    try:
        return bytes.fromhex(found[1].decode("ascii"))
    except ValueError:  # an odd number of digits
        return None


def read_text(chunks: Chunks, keyword: bytes) -> bytes | None:
    """Return a text without what stands before it in its chunk (11.3.3); None if it is damaged."""
    kind, content = chunks.texts.get(keyword, (b"", b""))
    is_compressed = kind == b"zTXt"
    if kind == b"zTXt":
        content = content[1:]
    elif kind == b"iTXt":
        is_compressed = content[:1] == b"\1"
        # A language and a translated keyword.
        content = content[2:].partition(b"\0")[2].partition(b"\0")[2]
    return inflate(content, LONGEST_TEXT_BYTES) if is_compressed else content


def inflate(content: bytes, longest_bytes: int) -> bytes | None:
    """Return what ``content`` unpacks to; None if it is damaged or longer than ``longest_bytes``."""
    unpacker = zlib.decompressobj()
    try:
        unpacked = unpacker.decompress(content, longest_bytes)
    except zlib.error:
        return None
    return unpacked if unpacker.eof else None
