"""PNG files of the matrix, written chunk by chunk (PNG, third edition)."""

import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.formats.matrix import pictures
from bench.formats.matrix.pictures import MatrixFile
from bench.formats.profiles import make_grey_profiles, make_profiles

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
# Column and row of the first pixel, and the steps, of each pass (8.1).
ADAM7: Final = (
    (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2),
)  # fmt: skip
Chunk = tuple[bytes, bytes]
GAMMA_SRGB: Final = (b"gAMA", struct.pack(">I", 45_455))
GAMMA_LINEAR: Final = (b"gAMA", struct.pack(">I", 100_000))
CHROMATICITIES_P3: Final = (
    b"cHRM",
    struct.pack(">8I", 31_270, 32_900, 68_000, 32_000, 26_500, 69_000, 15_000, 6_000),
)
# Primaries, transfer, RGB, full range (ITU-T H.273).
COLOUR_CHUNKS: Final[dict[str, Sequence[Chunk]]] = {
    "srgb-chunk": [(b"sRGB", b"\0")],
    "gama-srgb": [GAMMA_SRGB],
    "gama-linear": [GAMMA_LINEAR],
    "gama-18": [(b"gAMA", struct.pack(">I", 55_556))],
    "gama-chrm-p3": [GAMMA_SRGB, CHROMATICITIES_P3],
    "cicp-srgb": [(b"cICP", bytes([1, 13, 0, 1]))],
    "cicp-p3": [(b"cICP", bytes([12, 13, 0, 1]))],
    "cicp-linear": [(b"cICP", bytes([1, 8, 0, 1]))],
    "cicp-bt2020": [(b"cICP", bytes([9, 14, 0, 1]))],
    "cicp-pq": [(b"cICP", bytes([9, 16, 0, 1]))],
    "cicp-hlg": [(b"cICP", bytes([9, 18, 0, 1]))],
}


def make_files() -> list[MatrixFile]:
    """Return all PNG files of the matrix."""
    return pictures.join(make_types(), make_transparent_levels(), make_colours(), make_others())


def make_types() -> Iterator[MatrixFile]:
    """Yield each colour type and depth, interlaced and not."""
    for interlaced in (False, True):
        ending = "-interlaced.png" if interlaced else ".png"
        for depth in (1, 2, 4, 8, 16):
            yield write(f"png-grey-{depth}{ending}", GREY, depth, interlaced=interlaced)
        for depth in (1, 2, 4, 8):
            yield write(f"png-palette-{depth}{ending}", PALETTE, depth, interlaced=interlaced)
        for depth in (8, 16):
            for name, colour_type in (("rgb", RGB), ("grey-alpha", GREY_ALPHA), ("rgba", RGBA)):
                yield write(
                    f"png-{name}-{depth}{ending}", colour_type, depth, interlaced=interlaced
                )


def make_transparent_levels() -> Iterator[MatrixFile]:
    """Yield each type whose tRNS chunk makes a level, a colour or palette entries transparent."""
    for depth in (1, 2, 4, 8, 16):
        level = int(get_samples(GREY, depth)[40, 60, 0])
        yield write(
            f"png-grey-{depth}-trns.png", GREY, depth, [(b"tRNS", struct.pack(">H", level))]
        )
    for depth in (8, 16):
        colour = get_samples(RGB, depth)[40, 60].tolist()
        yield write(
            f"png-rgb-{depth}-trns.png", RGB, depth, [(b"tRNS", struct.pack(">3H", *colour))]
        )
    for depth in (1, 2, 4, 8):
        alphas = bytes(255 * entry // (2**depth - 1) for entry in range(2**depth))
        yield write(f"png-palette-{depth}-trns.png", PALETTE, depth, [(b"tRNS", alphas)])


def make_colours() -> Iterator[MatrixFile]:
    """Yield colour spaces as chunks and as profiles."""
    for colour_type, depth in (
        (RGB, 8),
        (RGB, 16),
        (PALETTE, 8),
        (RGBA, 16),
        (GREY, 8),
        (GREY, 16),
    ):
        name = {RGB: "rgb", PALETTE: "palette", RGBA: "rgba", GREY: "grey"}[colour_type]
        for space, chunks in COLOUR_CHUNKS.items():
            # The other types take the same way from samples to colours.
            if colour_type == RGB or space in {"gama-linear", "cicp-p3"}:
                yield write(f"png-{name}-{depth}-{space}.png", colour_type, depth, chunks)
        profiles = make_grey_profiles() if colour_type == GREY else make_profiles()
        for space, profile in profiles.items():
            chunk = (b"iCCP", b"profile\0\0" + zlib.compress(profile))
            yield write(f"png-{name}-{depth}-icc-{space}.png", colour_type, depth, [chunk])


def make_others() -> Iterator[MatrixFile]:
    """Yield orientations, a background, significant bits and a profile that does not fit."""
    for orientation in pictures.ORIENTATIONS:
        chunk = (b"eXIf", pictures.make_exif(orientation))
        yield write(f"png-rgb-8-orientation-{orientation}.png", RGB, 8, [chunk])
    yield write("png-rgba-8-background.png", RGBA, 8, [(b"bKGD", struct.pack(">3H", 200, 0, 0))])
    yield write("png-grey-16-significant-12.png", GREY, 16, [(b"sBIT", b"\x0c")])
    misfit = (b"iCCP", b"profile\0\0" + zlib.compress(make_profiles()["p3"]))
    yield write("png-grey-8-icc-of-rgb.png", GREY, 8, [misfit])


def get_samples(colour_type: int, depth: int) -> NDArray[np.uint16]:
    """Return the picture as (height, width, channels) of a PNG without palette."""
    samples = pictures.make_grey_samples()[..., None]
    if colour_type in {RGB, RGBA}:
        samples = pictures.make_samples()
    if colour_type in {GREY_ALPHA, RGBA}:
        samples = pictures.with_alpha(samples)
    return pictures.to_depth(samples, depth)


def write(
    name: str,
    colour_type: int,
    depth: int,
    chunks: Sequence[Chunk] = (),
    *,
    interlaced: bool = False,
    even: bool = False,
) -> MatrixFile:
    """Return a PNG of the picture, with ``chunks`` before its pixels; ``even`` cuts odd sides."""
    palette: list[Chunk] = []
    if colour_type == PALETTE:
        image = pictures.make_picture().quantize(2**depth, dither=Image.Dither.NONE)
        samples = np.asarray(image, dtype=np.uint16)[..., None]
        palette = [(b"PLTE", bytes(image.getpalette() or [])[: 3 * 2**depth])]
    else:
        samples = get_samples(colour_type, depth)
    if even:
        samples = samples[: len(samples) // 2 * 2, : samples.shape[1] // 2 * 2]
    passes = ADAM7 if interlaced else ((0, 0, 1, 1),)
    packed = b"".join(pack(samples[y::down, x::across], depth) for x, y, across, down in passes)
    header = struct.pack(
        ">IIBBBBB", samples.shape[1], samples.shape[0], depth, colour_type, 0, 0, interlaced
    )
    # iCCP, cICP, gAMA, cHRM and sRGB come before PLTE; tRNS and bKGD after it (5.6).
    late = [chunk for chunk in chunks if chunk[0] in {b"tRNS", b"bKGD", b"eXIf"}]
    early = [chunk for chunk in chunks if chunk not in late]
    body = [(b"IHDR", header), *early, *palette, *late, (b"IDAT", zlib.compress(packed))]
    return MatrixFile(
        name,
        b"\x89PNG\r\n\x1a\n" + b"".join(write_chunk(*chunk) for chunk in [*body, (b"IEND", b"")]),
    )


def pack(samples: NDArray[np.uint16], depth: int) -> bytes:
    """Return rows of samples as bytes, each row after the number of its filter: 0, none."""
    if depth == 16:
        rows = samples.astype(">u2").reshape(len(samples), -1).view(np.uint8)
    else:
        shifts = np.arange(depth - 1, -1, -1)
        bits = (samples.reshape(len(samples), -1, 1) >> shifts) & 1
        rows = np.packbits(bits.reshape(len(samples), -1).astype(np.uint8), axis=1)
    return b"".join(b"\0" + row.tobytes() for row in rows)


def write_chunk(kind: bytes, content: bytes) -> bytes:
    """Return a chunk with its length and its check sum."""
    return (
        struct.pack(">I", len(content)) + kind + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )  # fmt: skip
