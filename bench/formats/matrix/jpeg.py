"""JPEG files of the matrix: written by libjpeg-turbo, markers added here."""

import shutil
import struct
import subprocess
from collections.abc import Iterator, Sequence
from typing import Final

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from bench.formats.matrix import pictures
from bench.formats.matrix.pictures import MatrixFile
from bench.formats.profiles import make_cmyk_profile, make_grey_profiles, make_profiles

QUALITY: Final = 90
# Colour space in the file, and subsampling.
COLOURS: Final = {
    "grey": ("GRAYSCALE", None),
    "ycbcr-444": ("YCBCR", "444"),
    "ycbcr-422": ("YCBCR", "422"),
    "ycbcr-420": ("YCBCR", "420"),
    "ycbcr-440": ("YCBCR", "440"),
    "ycbcr-411": ("YCBCR", "411"),
    "rgb": ("RGB", "444"),
    "cmyk": ("CMYK", "444"),
    "ycck": ("YCCK", "444"),
    "ycck-420": ("YCCK", "420"),
}
# Options of jpegtran, which changes the coding and keeps the coefficients.
CODINGS: Final[dict[str, Sequence[str]]] = {
    "baseline": (),
    "progressive": ("-progressive",),
    "arithmetic": ("-arithmetic",),
    "arithmetic-progressive": ("-arithmetic", "-progressive"),
    "restarts": ("-restart", "1"),
}
# A profile is cut into segments of 65,533 bytes less their names (ICC.1, B.4).
ICC_PIECE_BYTES: Final = 65_519


def make_files() -> list[MatrixFile]:
    """Return all JPEG files of the matrix."""
    return pictures.join(make_codings(), make_orientations(), make_profiled(), make_others())


def make_codings() -> Iterator[MatrixFile]:
    """Yield each colour type in each coding."""
    for colour in COLOURS:
        stored = write(colour)
        for coding, options in CODINGS.items():
            data = recode(stored, options) if options else stored
            yield MatrixFile(f"jpeg-{colour}-{coding}.jpg", data)


def make_orientations() -> Iterator[MatrixFile]:
    """Yield EXIF orientations of subsampled, greyscale and CMYK files."""
    for colour in ("ycbcr-420", "grey", "cmyk"):
        for orientation in pictures.ORIENTATIONS:
            exif = b"Exif\0\0" + pictures.make_exif(orientation)
            data = insert(write(colour), (0xE1, exif))
            yield MatrixFile(f"jpeg-{colour}-orientation-{orientation}.jpg", data)


def make_profiled() -> Iterator[MatrixFile]:
    """Yield profiles, among them one in several segments."""
    profiles = make_profiles()
    for colour, chosen in (
        ("ycbcr-420", profiles),
        ("rgb", {"p3": profiles["p3"]}),
        ("grey", make_grey_profiles()),
        ("cmyk", {"cmyk": make_cmyk_profile()}),
        ("ycck", {"cmyk": make_cmyk_profile()}),
    ):
        for name, profile in chosen.items():
            data = insert(write(colour), *split_profile(profile))
            yield MatrixFile(f"jpeg-{colour}-icc-{name}.jpg", data)


def make_others() -> Iterator[MatrixFile]:
    """Yield files without JFIF and Adobe markers, without EOI, with other data behind it."""
    stored = write("ycbcr-420")
    yield MatrixFile("jpeg-ycbcr-420-without-jfif.jpg", remove(stored, 0xE0))
    yield MatrixFile("jpeg-ycbcr-420-without-eoi.jpg", stored[:-2])
    yield MatrixFile("jpeg-ycbcr-420-followed.jpg", stored + b"\0\0\0\x18ftypmp42" + bytes(5000))
    yield MatrixFile("jpeg-ycbcr-420-two-pictures.mpo", stored + write("grey"))
    yield MatrixFile("jpeg-cmyk-without-adobe.jpg", remove(write("cmyk"), 0xEE))
    yield MatrixFile("jpeg-ycbcr-420-fill-bytes.jpg", stored[:2] + b"\xff" * 9 + stored[2:])
    deep = pictures.to_depth(pictures.make_grey_samples(), 12)
    yield MatrixFile(
        "jpeg-grey-12-bit.jpg", bytes(imagecodecs.jpeg8_encode(deep, QUALITY, bitspersample=12))
    )
    grey = pictures.to_8_bits(pictures.make_grey_samples())
    yield MatrixFile("jpeg-grey-lossless.jpg", bytes(imagecodecs.jpeg8_encode(grey, lossless=True)))


def write(colour: str) -> bytes:
    """Return the picture as a JPEG of one of COLOURS."""
    space, subsampling = COLOURS[colour]
    if space in {"CMYK", "YCCK"}:
        # Adobe's files have inverted values, 255 for no ink.
        samples = 255 - make_cmyk()
        given = "CMYK"
    elif space == "GRAYSCALE":
        samples, given = pictures.to_8_bits(pictures.make_grey_samples()), "GRAYSCALE"
    else:
        samples, given = np.asarray(pictures.make_picture()), "RGB"
    data = imagecodecs.jpeg8_encode(
        samples, QUALITY, colorspace=given, outcolorspace=space, subsampling=subsampling
    )
    return bytes(data)


def make_cmyk() -> NDArray[np.uint8]:
    """Return the picture as CMYK, 255 for full ink: black is half of what the inks share."""
    inks = 1 - pictures.make_samples()
    black = 0.5 * inks.min(axis=2, keepdims=True)
    return pictures.to_8_bits(np.concatenate([(inks - black) / (1 - black), black], axis=2))


def recode(data: bytes, options: Sequence[str]) -> bytes:
    """Return a JPEG in another coding.

    Raises:
        OSError: when jpegtran is missing or fails.
    """
    program = shutil.which("jpegtran")
    if program is None:
        raise OSError("jpegtran is missing (Debian: libjpeg-turbo-progs)")
    done = subprocess.run(
        [program, "-copy", "all", *options], input=data, capture_output=True, check=False
    )
    if done.returncode != 0:
        raise OSError(done.stderr.decode())
    return done.stdout


def split_profile(profile: bytes) -> list[tuple[int, bytes]]:
    """Return a profile as APP2 segments."""
    pieces = [
        profile[start : start + ICC_PIECE_BYTES]
        for start in range(0, len(profile), ICC_PIECE_BYTES)
    ]
    return [
        (0xE2, b"ICC_PROFILE\0" + bytes([number, len(pieces)]) + piece)
        for number, piece in enumerate(pieces, 1)
    ]


def insert(data: bytes, *segments: tuple[int, bytes]) -> bytes:
    """Return a JPEG with segments (marker and content) behind SOI."""
    added = b"".join(
        b"\xff" + bytes([marker]) + struct.pack(">H", len(content) + 2) + content
        for marker, content in segments
    )
    return data[:2] + added + data[2:]


def remove(data: bytes, marker: int) -> bytes:
    """Return a JPEG without the first segment of a marker."""
    start = data.index(bytes([0xFF, marker]))
    length = int.from_bytes(data[start + 2 : start + 4], "big")
    return data[:start] + data[start + 2 + length :]
