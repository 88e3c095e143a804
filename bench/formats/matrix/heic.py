"""HEIC files of the matrix, written by libheif's program; transformations are added here."""

import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench.formats.matrix import pictures, png
from bench.formats.matrix.heif_property import MIRROR, ROTATION, add_property
from bench.formats.matrix.pictures import MatrixFile
from bench.formats.profiles import make_profiles

CHROMAS: Final = ("420", "422", "444")
# Rotation counter-clockwise in quarters, or the axis of a mirror (23008-12, 6.5.10 and 6.5.12).
TRANSFORMATIONS: Final = {
    "irot-1": (ROTATION, b"\x01"),
    "irot-2": (ROTATION, b"\x02"),
    "irot-3": (ROTATION, b"\x03"),
    "imir-0": (MIRROR, b"\x00"),
    "imir-1": (MIRROR, b"\x01"),
}
COLOUR_SPACES: Final = {"srgb": (1, 13, 6), "p3": (12, 13, 6), "bt709": (1, 1, 1), "pq": (9, 16, 9)}


def make_files() -> list[MatrixFile]:
    """Return all HEIC files of the matrix; none without libheif's program."""
    return pictures.join(make_types(), make_tagged()) if shutil.which("heif-enc") else []


def make_types() -> Iterator[MatrixFile]:
    """Yield depths and subsamplings with and without alpha, and greyscale."""
    for chroma in CHROMAS:
        for bits in (8, 10):
            for alpha in (False, True):
                name = f"heic-{chroma}-{bits}{'-alpha' if alpha else ''}.heic"
                yield encode(name, stored(bits, alpha=alpha), bits, "-p", f"chroma={chroma}")
    yield encode("heic-420-12.heic", stored(12), 12)
    yield encode("heic-420-8-odd.heic", stored(8, even=False), 8)
    yield encode("heic-grey-8.heic", png.write("", png.GREY, 8, even=True).data, 8)


def make_tagged() -> Iterator[MatrixFile]:
    """Yield transformations, profiles, code points, ranges and a thumbnail."""
    upright = encode("", stored(8), 8).data
    for name, (kind, content) in TRANSFORMATIONS.items():
        yield MatrixFile(f"heic-420-8-{name}.heic", add_property(upright, kind, content))
    both = add_property(upright, *TRANSFORMATIONS["irot-1"])
    both = add_property(both, *TRANSFORMATIONS["imir-1"])
    yield MatrixFile("heic-420-8-irot-1-imir-1.heic", both)
    for bits in (8, 10):
        for space, profile in make_profiles().items():
            chunk = (b"iCCP", b"profile\0\0" + zlib.compress(profile))
            yield encode(f"heic-420-{bits}-icc-{space}.heic", stored(bits, chunk), bits)
    for space, (primaries, transfer, matrix) in COLOUR_SPACES.items():
        yield encode(
            f"heic-420-8-nclx-{space}.heic", stored(8), 8,
            "--colour_primaries", str(primaries), "--transfer_characteristic", str(transfer),
            "--matrix_coefficients", str(matrix),
        )  # fmt: skip
    yield encode("heic-420-8-limited-range.heic", stored(8), 8, "--full_range_flag", "0")
    yield encode("heic-420-8-thumbnail.heic", stored(8), 8, "-t", "40")


def stored(bits: int, *chunks: png.Chunk, alpha: bool = False, even: bool = True) -> bytes:
    """Return the picture as the PNG that libheif's program reads.

    FFmpeg shows odd sides with the pixels that fill them: by default they are cut.
    """
    colour_type = png.RGBA if alpha else png.RGB
    return png.write("", colour_type, 8 if bits == 8 else 16, chunks, even=even).data


def encode(name: str, source: bytes, bits: int, *options: str) -> MatrixFile:
    """Return a PNG as a HEIC file.

    Raises:
        subprocess.CalledProcessError: when libheif's program fails.
    """
    with tempfile.TemporaryDirectory(prefix="foveate-") as folder:
        given, made = Path(folder, "source.png"), Path(folder, "made.heic")
        given.write_bytes(source)
        subprocess.run(
            ["heif-enc", "-q", "90", "-b", str(bits), *options, "-o", str(made), str(given)],
            check=True, capture_output=True,
        )  # fmt: skip
        return MatrixFile(name, made.read_bytes())
