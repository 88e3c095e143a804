"""BMP files of the matrix, written here (Microsoft, "Bitmap Storage")."""

import struct
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.formats.matrix import pictures
from bench.formats.matrix.pictures import MatrixFile

PLAIN, RLE8, RLE4, BITFIELDS = 0, 1, 2, 3
CORE_BYTES, INFO_BYTES, INFO3_BYTES, V4_BYTES, V5_BYTES = 12, 40, 56, 108, 124
# Bits for a pixel, and the masks of red, green, blue and alpha.
MASKS: Final[dict[str, tuple[int, tuple[int, int, int, int]]]] = {
    "555": (16, (0x7C00, 0x3E0, 0x1F, 0)),
    "565": (16, (0xF800, 0x7E0, 0x1F, 0)),
    "444": (16, (0xF00, 0xF0, 0xF, 0)),
    "1555": (16, (0x7C00, 0x3E0, 0x1F, 0x8000)),
    "4444": (16, (0xF00, 0xF0, 0xF, 0xF000)),
    "565-reversed": (16, (0x1F, 0x7E0, 0xF800, 0)),
    "8888": (32, (0xFF0000, 0xFF00, 0xFF, 0xFF000000)),
    "8888-reversed": (32, (0xFF, 0xFF00, 0xFF0000, 0xFF000000)),
    "888": (32, (0xFF0000, 0xFF00, 0xFF, 0)),
    "101010": (32, (0x3FF00000, 0xFFC00, 0x3FF, 0)),
    "1010102": (32, (0x3FF, 0xFFC00, 0x3FF00000, 0xC0000000)),
    "111110": (32, (0xFFE00000, 0x1FFC00, 0x3FF, 0)),
}


def make_files() -> list[MatrixFile]:
    """Return all BMP files of the matrix."""
    return pictures.join(make_palettes(), make_runs(), make_masks(), make_plain())


def make_palettes() -> Iterator[MatrixFile]:
    """Yield depths of palettes, in either order of rows, in old and new headers."""
    for bits in (1, 2, 4, 8):
        indices, colours = quantize(2**bits)
        rows = pack_rows(indices, bits)
        for down in (False, True):
            ending = "-top-down.bmp" if down else ".bmp"
            yield write(f"bmp-palette-{bits}{ending}", bits, rows, colours, top_down=down)
        if bits != 2:
            yield write(f"bmp-palette-{bits}-os2.bmp", bits, rows, colours, header_bytes=CORE_BYTES)
    indices, colours = quantize(100)
    yield write("bmp-palette-8-100-colours.bmp", 8, pack_rows(indices, 8), colours)


def make_runs() -> Iterator[MatrixFile]:
    """Yield run-length coded files."""
    indices, colours = quantize(256)
    yield write("bmp-palette-8-rle.bmp", 8, [write_runs_8(row) for row in indices], colours, RLE8)
    indices, colours = quantize(16)
    yield write("bmp-palette-4-rle.bmp", 4, [write_runs_4(row) for row in indices], colours, RLE4)


def make_masks() -> Iterator[MatrixFile]:
    """Yield masks, behind a plain header and in newer ones."""
    for name, (bits, masks) in MASKS.items():
        rows = pack_masked(bits, masks)
        for header_bytes in (INFO_BYTES, INFO3_BYTES, V4_BYTES, V5_BYTES):
            # A plain header is followed by three masks.
            if masks[3] and header_bytes == INFO_BYTES:
                continue
            yield write(
                f"bmp-masks-{name}-header-{header_bytes}.bmp",
                bits, rows, (), BITFIELDS, header_bytes=header_bytes, masks=masks,
            )  # fmt: skip


def make_plain() -> Iterator[MatrixFile]:
    """Yield files without palette and masks: 24 bits, 16 bits, 32 bits and their useless alpha."""
    rgb = np.asarray(pictures.make_picture())
    full = [pad(row[:, ::-1].tobytes()) for row in rgb]
    for header_bytes in (CORE_BYTES, INFO_BYTES, V4_BYTES, V5_BYTES):
        yield write(f"bmp-rgb-24-header-{header_bytes}.bmp", 24, full, header_bytes=header_bytes)
    yield write("bmp-rgb-24-top-down.bmp", 24, full, top_down=True)
    yield write("bmp-rgb-16.bmp", 16, pack_masked(*MASKS["555"]))
    alpha = pictures.to_8_bits(pictures.make_alpha())
    for name, channel in (
        ("zero", np.zeros_like(alpha)),
        ("full", np.full_like(alpha, 255)),
        ("real", alpha),
    ):
        samples = np.dstack([rgb[..., ::-1], channel])
        for header_bytes in (INFO_BYTES, V4_BYTES):
            yield write(
                f"bmp-rgb-32-alpha-{name}-header-{header_bytes}.bmp",
                32, [row.tobytes() for row in samples], header_bytes=header_bytes,
            )  # fmt: skip


def quantize(colours: int) -> tuple[NDArray[np.uint8], list[bytes]]:
    """Return the picture's indices, and its palette as blue, green, red, 0."""
    image = pictures.make_picture().quantize(colours, dither=Image.Dither.NONE)
    palette = bytes(image.getpalette() or [])[: 3 * colours]
    entries = [palette[at : at + 3][::-1] + b"\0" for at in range(0, len(palette), 3)]
    return np.asarray(image), entries


def pack_rows(indices: NDArray[np.uint8], bits: int) -> list[bytes]:
    """Return rows of indices of 1 to 8 bits, each filled to 4 bytes."""
    shifts = np.arange(bits - 1, -1, -1)
    return [
        pad(np.packbits(((row[:, None] >> shifts) & 1).astype(np.uint8)).tobytes())
        for row in indices
    ]


def pack_masked(bits: int, masks: tuple[int, int, int, int]) -> list[bytes]:
    """Return rows of pixels whose channels lie where ``masks`` say."""
    samples = pictures.with_alpha(pictures.make_samples())
    pixels = np.zeros(samples.shape[:2], dtype=np.uint64)
    for channel, mask in enumerate(masks):
        if mask:
            width = mask.bit_count()
            shift = (mask & -mask).bit_length() - 1
            values = np.rint(samples[..., channel] * (2**width - 1)).astype(np.uint64)
            pixels |= values << np.uint64(shift)
    return [pad(row.tobytes()) for row in pixels.astype("<u2" if bits == 16 else "<u4")]


def write_runs_8(row: NDArray[np.uint8]) -> bytes:
    """Return a row of 8-bit indices as runs of one and absolute pieces of 20, and an end of line."""
    coded = b""
    for start in range(0, len(row), 20):
        piece = row[start : start + 20].tobytes()
        if len(piece) > 2 and start % 40:
            coded += bytes([0, len(piece)]) + piece + bytes(len(piece) % 2)
        else:
            coded += b"".join(bytes([1, index]) for index in piece)
    return coded + b"\0\0"


def write_runs_4(row: NDArray[np.uint8]) -> bytes:
    """Return a row of 4-bit indices as runs of two, and an end of line."""
    coded = b""
    for start in range(0, len(row), 2):
        pair = row[start : start + 2]
        coded += bytes([len(pair), (int(pair[0]) << 4) | int(pair[-1])])
    return coded + b"\0\0"


def pad(row: bytes) -> bytes:
    """Return a row, filled to a multiple of 4 bytes."""
    return row + bytes(-len(row) % 4)


def write(
    name: str,
    bits: int,
    rows: Sequence[bytes],
    colours: Sequence[bytes] = (),
    compression: int = PLAIN,
    *,
    header_bytes: int = INFO_BYTES,
    masks: tuple[int, int, int, int] = (0, 0, 0, 0),
    top_down: bool = False,
) -> MatrixFile:
    """Return a BMP of the rows, the first of which is the picture's top."""
    ends = b"\0\1" if compression in {RLE8, RLE4} else b""
    pixels = b"".join(rows if top_down else reversed(rows)) + ends
    height_px = -pictures.HEIGHT_PX if top_down else pictures.HEIGHT_PX
    if header_bytes == CORE_BYTES:
        header = struct.pack("<IHHHH", header_bytes, pictures.WIDTH_PX, height_px, 1, bits)
        palette = b"".join(colour[:3] for colour in colours)
    else:
        header = struct.pack(
            "<IiiHHIIiiII", header_bytes, pictures.WIDTH_PX, height_px, 1, bits, compression,
            len(pixels), 2835, 2835, len(colours), 0,
        )  # fmt: skip
        if header_bytes > INFO_BYTES:
            header += struct.pack("<4I", *masks)
        if header_bytes >= V4_BYTES:
            header += b"BGRs" + bytes(header_bytes - len(header) - 4)
        elif compression == BITFIELDS and header_bytes == INFO_BYTES:
            header += struct.pack("<3I", *masks[:3])
        palette = b"".join(colours)
    start = 14 + len(header) + len(palette)
    return MatrixFile(
        name,
        struct.pack("<2sIHHI", b"BM", start + len(pixels), 0, 0, start) + header + palette + pixels,
    )
