"""ICC profiles for tests of colour conversion."""

import struct
from collections.abc import Callable
from itertools import product

from PIL import ImageCms

D50 = (0.9642, 1.0, 0.8249)


def fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65_536))


def assemble(signatures: bytes, tags: dict[bytes, bytes]) -> bytes:
    """Return a profile (v2) by class, colour space and connection space, and its own tags."""
    text = b"test"
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(79),
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": b"XYZ \0\0\0\0" + b"".join(map(fixed, D50)),
        **tags,
    }
    offset, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, tag in tags.items():
        padded = tag + bytes(-len(tag) % 4)
        table += name + struct.pack(">II", offset + len(body), len(tag))
        body += padded
    header = bytearray(128)
    header[0:4] = struct.pack(">I", offset + len(body))
    header[8:12] = b"\x02\x40\0\0"
    header[12:24] = signatures
    header[36:40] = b"acsp"
    header[68:80] = b"".join(map(fixed, D50))
    return bytes(header) + struct.pack(">I", len(tags)) + table + body


def linear_profile() -> bytes:
    """Return an ICC profile (v2, matrix and curves) with sRGB's primaries and no gamma."""

    def xyz(*values: float) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(map(fixed, values))

    curve = b"curv\0\0\0\0" + struct.pack(">I", 0)  # no entries: the identity
    tags = {
        b"rXYZ": xyz(0.4360, 0.2225, 0.0139),
        b"gXYZ": xyz(0.3851, 0.7169, 0.0971),
        b"bXYZ": xyz(0.1431, 0.0606, 0.7139),
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    return assemble(b"mntrRGB XYZ ", tags)


def table_profile(model: bytes, lightness: Callable[[tuple[int, ...]], float]) -> bytes:
    """Return an ICC profile (v2, a table of two levels for each channel) whose colours are all grey.

    ``lightness`` is L* by the channels' levels, 0 or 1; between them it is interpolated.
    """
    channels = 4 if model == b"CMYK" else 3
    # ICC.1:2001, 6.5.9: identical curves of two entries; Lab as 16 bits, L* = 100 at 0xFF00.
    table = b"mft2\0\0\0\0" + bytes((channels, 3, 2, 0))
    table += b"".join(map(fixed, (1, 0, 0, 0, 1, 0, 0, 0, 1))) + struct.pack(">HH", 2, 2)
    table += struct.pack(">HH", 0, 65_535) * channels
    for levels in product((0, 1), repeat=channels):
        table += struct.pack(">HHH", round(lightness(levels) / 100 * 0xFF00), 0x8000, 0x8000)
    table += struct.pack(">HH", 0, 65_535) * 3
    names = (b"A2B0", b"A2B1", b"A2B2")
    return assemble(b"prtr" + model + b"Lab ", dict.fromkeys(names, table))


def ink_profile() -> bytes:
    """Return a CMYK profile in which black takes all light, and the inks together two thirds."""
    return table_profile(b"CMYK", lambda inks: 100 * (1 - inks[3]) * (1 - sum(inks[:3]) * 2 / 9))


def lightness_profile() -> bytes:
    """Return an RGB profile without a matrix: L* is the channels' mean."""
    return table_profile(b"RGB ", lambda levels: 100 * sum(levels) / 3)


def display_p3() -> bytes:
    """Return sRGB's profile with the primaries of Display P3, and another name."""
    primaries = {
        b"rXYZ": (0.5151, 0.2412, -0.0011),
        b"gXYZ": (0.2920, 0.6922, 0.0419),
        b"bXYZ": (0.1571, 0.0666, 0.7841),
    }
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(profile[128:132], "big")
    for number in range(count):
        at = 132 + 12 * number
        if (name := bytes(profile[at : at + 4])) in primaries:
            offset = int.from_bytes(profile[at + 4 : at + 8], "big") + 8
            profile[offset : offset + 12] = b"".join(map(fixed, primaries[name]))
        if profile[at : at + 4] == b"desc":
            offset = int.from_bytes(profile[at + 4 : at + 8], "big")
            length = int.from_bytes(profile[at + 8 : at + 12], "big")
            text = bytes(profile[offset : offset + length])
            profile[offset : offset + length] = text.replace(b"s\0R\0G\0B", b"w\0i\0d\0e").replace(
                b"sRGB", b"wide"
            )
    return bytes(profile)
