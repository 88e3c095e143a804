"""ICC profiles for tests of colour conversion."""

import struct

from PIL import ImageCms


def linear_profile() -> bytes:
    """Return an ICC profile (v2, matrix and curves) with sRGB's primaries and no gamma."""

    def fixed(value: float) -> bytes:
        return struct.pack(">i", round(value * 65536))

    def xyz(*values: float) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(map(fixed, values))

    curve = b"curv\0\0\0\0" + struct.pack(">I", 0)  # no entries: the identity
    text = b"linear\0"
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(79),
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": xyz(0.9642, 1.0, 0.8249),
        b"rXYZ": xyz(0.4360, 0.2225, 0.0139),
        b"gXYZ": xyz(0.3851, 0.7169, 0.0971),
        b"bXYZ": xyz(0.1431, 0.0606, 0.7139),
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    offset, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, tag in tags.items():
        padded = tag + bytes(-len(tag) % 4)
        table += name + struct.pack(">II", offset + len(body), len(tag))
        body += padded
    header = bytearray(128)
    header[0:4] = struct.pack(">I", offset + len(body))
    header[8:12] = b"\x02\x40\0\0"
    header[12:24] = b"mntrRGB XYZ "
    header[36:40] = b"acsp"
    header[68:80] = b"".join(map(fixed, (0.9642, 1.0, 0.8249)))
    return bytes(header) + struct.pack(">I", len(tags)) + table + body


def display_p3() -> bytes:
    """Return sRGB's profile with the red and green primaries of Display P3."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(profile[128:132], "big")
    for number in range(count):
        at = 132 + 12 * number
        if bytes(profile[at : at + 4]) in {b"rXYZ", b"gXYZ"}:
            offset = int.from_bytes(profile[at + 4 : at + 8], "big") + 8
            x, y, z = (
                (0.5151, 0.2412, -0.0011)
                if profile[at : at + 4] == b"rXYZ"
                else (0.2920, 0.6922, 0.0419)
            )
            for place, value in enumerate((x, y, z)):
                fixed = round(value * 65_536).to_bytes(4, "big", signed=True)
                profile[offset + 4 * place : offset + 4 * place + 4] = fixed
        if profile[at : at + 4] == b"desc":
            offset = int.from_bytes(profile[at + 4 : at + 8], "big")
            length = int.from_bytes(profile[at + 8 : at + 12], "big")
            text = bytes(profile[offset : offset + length])
            profile[offset : offset + length] = text.replace(b"s\0R\0G\0B", b"w\0i\0d\0e").replace(
                b"sRGB", b"wide"
            )
    return bytes(profile)
