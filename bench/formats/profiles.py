"""ICC profiles (ICC.1:2022, version 2 syntax) of the colour spaces that photos come in."""

import struct
from typing import Final

import numpy as np
import pyvips
from PIL import ImageCms

# Primaries for D50 (x, y, z of red, green, blue).
Primaries = tuple[
    tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]
]
SRGB: Final[Primaries] = (
    (0.4360, 0.2225, 0.0139),
    (0.3851, 0.7169, 0.0971),
    (0.1431, 0.0606, 0.7139),
)
ADOBE_RGB: Final[Primaries] = (
    (0.6097, 0.3111, 0.0195),
    (0.2053, 0.6257, 0.0609),
    (0.1492, 0.0632, 0.7446),
)
DISPLAY_P3: Final[Primaries] = (
    (0.5151, 0.2412, -0.0011),
    (0.2920, 0.6922, 0.0419),
    (0.1571, 0.0666, 0.7841),
)
PROPHOTO: Final[Primaries] = (
    (0.7977, 0.2880, 0.0000),
    (0.1352, 0.7119, 0.0000),
    (0.0313, 0.0001, 0.8249),
)
D50: Final = (0.9642, 1.0, 0.8249)
CURVE_POINTS: Final = 1024


def make_profiles() -> dict[str, bytes]:
    """Return RGB profiles by name."""
    return {
        "srgb": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
        "p3": write_profile("Display P3", srgb_curve(), DISPLAY_P3),
        "adobe": write_profile("Adobe RGB (1998)", gamma_curve(2.2), ADOBE_RGB),
        "prophoto": write_profile("ROMM RGB", gamma_curve(1.8), PROPHOTO),
        "linear": write_profile("linear", gamma_curve(1.0), SRGB),
        # A name that begins as sRGB's does, with other primaries (Skia).
        "named-srgb": write_profile(
            "sRGB Transfer with Display P3 Gamut", srgb_curve(), DISPLAY_P3
        ),
    }


def make_grey_profiles() -> dict[str, bytes]:
    """Return greyscale profiles by name."""
    return {
        "grey-srgb": write_profile("Grey with sRGB's curve", srgb_curve()),
        "grey-22": write_profile("Grey gamma 2.2", gamma_curve(2.2)),
        "grey-18": write_profile("Grey gamma 1.8", gamma_curve(1.8)),
        "grey-linear": write_profile("Grey linear", gamma_curve(1.0)),
    }


def make_cmyk_profile() -> bytes:
    """Return the CMYK profile that libvips brings."""
    return bytes(pyvips.Operation.call("profile_load", "cmyk"))


def gamma_curve(gamma: float) -> bytes:
    """Return a curve that is a power (10.6): no entries for 1."""
    if gamma == 1:
        return b"curv\0\0\0\0" + struct.pack(">I", 0)
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)


def srgb_curve() -> bytes:
    """Return sRGB's curve as a table (IEC 61966-2-1)."""
    encoded = np.linspace(0, 1, CURVE_POINTS)
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    points: bytes = np.rint(linear * 65_535).astype(">u2").tobytes()
    return b"curv\0\0\0\0" + struct.pack(">I", CURVE_POINTS) + points


def write_profile(name: str, curve: bytes, primaries: Primaries | None = None) -> bytes:
    """Return a display profile of matrix and curve; without primaries a greyscale one."""
    text = name.encode("ascii") + b"\0"
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(79),
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": write_xyz(D50),
    }
    if primaries is None:
        tags[b"kTRC"] = curve
    else:
        for letter, primary in zip((b"r", b"g", b"b"), primaries, strict=True):
            tags[letter + b"XYZ"] = write_xyz(primary)
            tags[letter + b"TRC"] = curve
    offset_bytes, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for signature, tag in tags.items():
        table += signature + struct.pack(">II", offset_bytes + len(body), len(tag))
        body += tag + bytes(-len(tag) % 4)
    header = struct.pack(
        ">I4xI4s4s4s12x4s28x12s48x",
        offset_bytes + len(body),
        0x02400000,
        b"mntr",
        b"GRAY" if primaries is None else b"RGB ",
        b"XYZ ",
        b"acsp",
        write_xyz(D50)[8:],
    )
    return header + struct.pack(">I", len(tags)) + table + body


def write_xyz(values: tuple[float, float, float]) -> bytes:
    """Return a tag of one XYZ number (10.31)."""
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65_536) for value in values))
