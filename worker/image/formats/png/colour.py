"""Reads the colour space of a PNG: cICP, else iCCP, else sRGB, else gAMA with cHRM (11.3.2)."""

import struct
from typing import Final

from worker.image.colour.profiles import (
    SRGB_PRIMARIES,
    SRGB_WHITE,
    profile_of_chromaticities,
    profile_of_grey_gamma,
)
from worker.image.formats.png.metadata import inflate
from worker.image.metadata.segments import LONGEST_PROFILE_BYTES
from worker.image.samples import Cicp

# ITU-T H.273: code point 2 says nothing; matrix 0 is RGB.
UNSPECIFIED, RGB_MATRIX, FULL_RANGE = 2, 0, 1
UNIT: Final = 100_000
LONGEST_NAME_BYTES: Final = 79


def read_colour(chunks: dict[bytes, bytes], *, is_grey: bool) -> tuple[bytes | None, Cicp | None]:
    """Return the profile and the code points, None for sRGB.

    A damaged chunk counts as none, and so does cICP with a narrow range or a matrix. Without gAMA, cHRM
    is ignored; without cHRM, the primaries are those of sRGB.
    """
    cicp = read_cicp(chunks.get(b"cICP", b""))
    profile = read_profile(chunks.get(b"iCCP", b""))
    if cicp is None and profile is None and b"sRGB" not in chunks:
        gamma = chunks.get(b"gAMA", b"")
        profile = make_profile(gamma, chunks.get(b"cHRM", b""), is_grey=is_grey)
    return profile, cicp


def read_cicp(content: bytes) -> Cicp | None:
    """Return the code points that cICP has."""
    if len(content) != 4 or content[2:] != bytes((RGB_MATRIX, FULL_RANGE)):
        return None
    primaries, transfer = content[:2]
    return None if primaries == transfer == UNSPECIFIED else Cicp(primaries, transfer)


def read_profile(content: bytes) -> bytes | None:
    """Return the profile that iCCP has, after a name and the method of compression."""
    name, _, packed = content[: LONGEST_NAME_BYTES + 2].partition(b"\0")
    start = len(name) + 2
    return inflate(content[start:], LONGEST_PROFILE_BYTES) if packed[:1] == b"\0" else None


def make_profile(gamma: bytes, chromaticities: bytes, *, is_grey: bool) -> bytes | None:
    """Return a profile with what gAMA and cHRM have."""
    if len(gamma) != 4 or not any(gamma):
        return None
    exponent = UNIT / int.from_bytes(gamma, "big")
    if is_grey:
        return profile_of_grey_gamma(exponent)
    white, (red, green, blue) = SRGB_WHITE, SRGB_PRIMARIES
    if len(chromaticities) == 32:
        numbers = [number / UNIT for number in struct.unpack(">8I", chromaticities)]
        white, red, green, blue = zip(numbers[::2], numbers[1::2], strict=True)
    return profile_of_chromaticities(white, red, green, blue, exponent)
