"""Writes the marker segments for EXIF, XMP and the colour profile.

EXIF 2.32, 4.7.2; XMP part 3, 1.1.3; ICC.1:2010, B.4.
"""

import io
import logging
from collections.abc import Iterator
from typing import Final

from PIL import Image, ImageCms

from contract.messages import Metadata
from worker.image.metadata.exif import write_exif
from worker.image.metadata.xmp import write_xmp

log = logging.getLogger(__name__)

APP0, APP1, APP2 = 0xE0, 0xE1, 0xE2
# T.81, B.1.1.4: the length field has 16 bits and counts its own two bytes.
LONGEST_PAYLOAD_BYTES: Final = 65_533
XMP_NAME: Final = b"http://ns.adobe.com/xap/1.0/\0"
ICC_NAME: Final = b"ICC_PROFILE\0"
# The largest profiles, those of printers, have about 3 MB.
LONGEST_PROFILE_BYTES: Final = 4 * 1024 * 1024

# A tree of XML takes some twenty times the bytes of its text.
LONGEST_PACKET_BYTES: Final = 4 * 1024 * 1024

GREY, RGB = b"GRAY", b"RGB "
RGB_MODES: Final = frozenset({"RGB", "RGBA", "RGBX", "P", "PA"})


def read_profile(image: Image.Image, *, grey: bool) -> bytes | None:
    """Return the photo's colour profile if its samples can be kept unconverted.

    Return None if there is no profile, if it can't be read, or if it is for another colour model,
    such as CMYK. The samples are then converted to sRGB.
    """
    profile = image.info.get("icc_profile")
    if not isinstance(profile, bytes) or not 128 <= len(profile) <= LONGEST_PROFILE_BYTES:
        return None
    fits = profile[16:20] == (GREY if grey else RGB) and (grey or image.mode in RGB_MODES)
    if not fits:
        return None
    try:
        ImageCms.ImageCmsProfile(io.BytesIO(profile))
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    return profile


def write_segments(
    image: Image.Image, keep: Metadata, size_px: tuple[int, int], profile: bytes | None
) -> bytes:
    """Return the kept metadata of an upload as consecutive segments.

    ``size_px`` is the finished photo's (width, height). EXIF or XMP that doesn't fit into one segment
    is left out; a profile may take several segments.
    """
    segments = [] if keep == "none" else list(write_exif_and_xmp(image, keep, size_px))
    if profile is not None:
        segments += split_profile(profile)
    return b"".join(segments)


def write_exif_and_xmp(
    image: Image.Image, keep: Metadata, size_px: tuple[int, int]
) -> Iterator[bytes]:
    """Yield the segments of EXIF and XMP."""
    if exif := write_exif(image, keep, size_px, LONGEST_PAYLOAD_BYTES):
        yield segment(APP1, exif)
    packet = image.info.get("xmp")
    if isinstance(packet, str):
        packet = packet.encode()
    if isinstance(packet, bytes) and len(packet) <= LONGEST_PACKET_BYTES:
        written = write_xmp(packet, keep, LONGEST_PAYLOAD_BYTES - len(XMP_NAME))
        if written is not None:
            yield segment(APP1, XMP_NAME + written)


def split_profile(profile: bytes) -> Iterator[bytes]:
    """Yield a profile's segments, each with its number and their count (ICC.1:2010, B.4)."""
    length = LONGEST_PAYLOAD_BYTES - len(ICC_NAME) - 2
    parts = [profile[at : at + length] for at in range(0, len(profile), length)]
    for number, part in enumerate(parts, 1):
        yield segment(APP2, ICC_NAME + bytes((number, len(parts))) + part)


def segment(marker: int, payload: bytes) -> bytes:
    """Return one marker segment."""
    return bytes((0xFF, marker)) + (len(payload) + 2).to_bytes(2, "big") + payload


def insert(jpeg: bytes, segments: bytes) -> bytes:
    """Return a JPEG with ``segments`` after its JFIF segment, or after SOI if it has none."""
    at = 2
    if jpeg[2:4] == bytes((0xFF, APP0)):
        at += 2 + int.from_bytes(jpeg[4:6], "big")
    return jpeg[:at] + segments + jpeg[at:]
