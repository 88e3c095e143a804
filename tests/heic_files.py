"""Small HEIC files: HEVC of ffmpeg's libx265 in boxes of our own (ISO/IEC 23008-12, annex B)."""

import functools
import struct
import subprocess
from collections.abc import Sequence
from typing import Final

import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

from tests.contract.image_headers.heif_files import HeifItem, box, full_box, heif_file

# ITU-T H.273: BT.709's primaries, sRGB's transfer, BT.601's matrix, full range.
NCLX: Final = (1, 13, 6, 1)
ALPHA_TYPE: Final = b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0"


def heic_of(
    pixels: NDArray[np.uint8] | NDArray[np.uint16], *, depth: int = 8, chroma: str = "444"
) -> bytes:
    """Return a HEIC of one item."""
    return heif_file([code(pixels, depth=depth, chroma=chroma)], b"heic")


def code(
    pixels: NDArray[np.uint8] | NDArray[np.uint16],
    properties: Sequence[bytes] = (),
    *,
    depth: int = 8,
    chroma: str = "444",
    nclx: tuple[int, int, int, int] = NCLX,
) -> HeifItem:
    """Return an item of HEVC; pixels are grey (h, w) or RGB (h, w, 3), and 16-bit ones are scaled."""
    height_px, width_px = pixels.shape[:2]
    grey = pixels.ndim == 2
    deep = "" if depth == 8 else f"{depth}le"
    coded = f"gray{deep}" if grey else f"yuv{chroma}p{deep}"
    source = {(True, 1): "gray", (True, 2): "gray16le", (False, 1): "rgb24", (False, 2): "rgb48le"}
    given = source[grey, pixels.itemsize]
    configuration, bits = code_hevc(pixels.tobytes(), (width_px, height_px), given, coded)
    colr = box(b"colr", b"nclx" + struct.pack(">HHHB", *nclx[:3], nclx[3] << 7))
    pixi = full_box(b"pixi", bytes([1 if grey else 3]) + bytes([depth]) * (1 if grey else 3))
    return HeifItem(b"hvc1", bits, (width_px, height_px), [configuration, pixi, colr, *properties])


@functools.cache
def code_hevc(data: bytes, size_px: tuple[int, int], given: str, coded: str) -> tuple[bytes, bytes]:
    """Return the box ``hvcC`` and the bitstream of a picture."""
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        *("-v", "error", "-f", "rawvideo", "-pix_fmt", given, "-s", "{}x{}".format(*size_px)),
        *("-i", "-", "-frames:v", "1", "-pix_fmt", coded),
        *("-vf", "scale=out_color_matrix=bt601:in_range=full:out_range=full:flags=accurate_rnd"),
        *("-color_range", "pc", "-colorspace", "smpte170m"),
        *("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:info=0"),
        *("-crf", "8", "-tag:v", "hvc1", "-f", "mp4"),
        *("-movflags", "frag_keyframe+empty_moov", "-"),
    ]
    ended = subprocess.run(command, input=data, capture_output=True, check=True)
    return cut_box(ended.stdout, b"hvcC"), cut_box(ended.stdout, b"mdat")[8:]


def cut_box(data: bytes, kind: bytes) -> bytes:
    """Return the first box of a type, wherever it is."""
    start = data.index(kind) - 4
    return data[start : start + int.from_bytes(data[start : start + 4], "big")]


def turn(quarters: int) -> bytes:
    """Return the property of a rotation by so many quarters, anticlockwise (6.5.10)."""
    return box(b"irot", bytes([quarters]))


def mirror(axis: int) -> bytes:
    """Return the property of a mirroring: 0 exchanges top and bottom, 1 left and right (6.5.12)."""
    return box(b"imir", bytes([axis]))
