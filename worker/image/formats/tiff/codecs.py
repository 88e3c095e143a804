"""Decompresses a strip or tile to no more bytes than its rows need."""

import lzma
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Final, NamedTuple

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from contract.errors import CorruptImageError, UnsupportedImageError

# The strongest preset of xz takes 65 MB.
LZMA_MEMORY_BYTES: Final = 72 << 20
# PackBits runs have up to 128 bytes; the last one may go on behind the rows.
LONGEST_RUN_BYTES: Final = 128

NONE, FAX_RLE, FAX_3, FAX_4, OLD_JPEG, JPEG, WEBP = 1, 2, 3, 4, 6, 7, 50_001
SGI_LOG, SGI_LOG_24 = 34_676, 34_677
# The tags of a strip, and a type (TIFF 6.0, section 2).
WIDTH, LENGTH, BITS_PER_SAMPLE, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
STRIP_OFFSETS, ROWS_PER_STRIP, STRIP_BYTE_COUNTS, T4_OPTIONS, LONG = 273, 278, 279, 292, 4
DEFLATES: Final = frozenset({8, 32_946, 50_013})
# Larger strips are inflated piece by piece: slower, but a second copy of the photo would be too much.
LARGE_BYTES, PIECE_BYTES = 32 << 20, 1 << 18
FAXES: Final = frozenset({FAX_RLE, FAX_3, FAX_4})
REVERSED_BITS: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class Compression(NamedTuple):
    """A compression that is read."""

    name: str
    decompress: Callable[[bytes, int], bytes | bytearray] | None
    """Takes encoded bytes and the greatest size; None where pixels are decoded, not bytes."""
    predicts: bool = False
    """Whether the tag Predictor applies."""


def inflate(encoded: bytes, most_bytes: int) -> bytes | bytearray:
    """Decompress zlib's format."""
    try:
        return imagecodecs.deflate_decode(encoded, out=most_bytes)
    except RuntimeError:
        # Streams that are longer, whose beginning is enough; zlib would take twice the memory for all.
        return zlib.decompressobj().decompress(encoded, most_bytes)


def unpack_lzma(encoded: bytes, most_bytes: int) -> bytes:
    """Decompress an xz stream."""
    return lzma.LZMADecompressor(memlimit=LZMA_MEMORY_BYTES).decompress(encoded, most_bytes)


def unpack_lzw(encoded: bytes, most_bytes: int) -> bytes | bytearray:
    """Decompress LZW, also with the bit order of libtiff before 1991."""
    return imagecodecs.lzw_decode(encoded, out=most_bytes)


def unpack_bits(encoded: bytes, most_bytes: int) -> bytes | bytearray:
    """Decompress PackBits."""
    return imagecodecs.packbits_decode(encoded, out=most_bytes + LONGEST_RUN_BYTES)


def unpack_zstd(encoded: bytes, most_bytes: int) -> bytes | bytearray:
    """Decompress Zstandard."""
    return imagecodecs.zstd_decode(encoded, out=most_bytes)


COMPRESSIONS: Final = {
    NONE: Compression("none", None),
    FAX_RLE: Compression("CCITT RLE", None),
    FAX_3: Compression("CCITT G3", None),
    FAX_4: Compression("CCITT G4", None),
    5: Compression("LZW", unpack_lzw, predicts=True),
    JPEG: Compression("JPEG", None),
    8: Compression("deflate", inflate, predicts=True),
    32_773: Compression("PackBits", unpack_bits),
    32_946: Compression("deflate", inflate, predicts=True),
    50_013: Compression("deflate", inflate),
    34_925: Compression("LZMA", unpack_lzma, predicts=True),
    50_000: Compression("Zstandard", unpack_zstd, predicts=True),
    WEBP: Compression("WebP", None),
    OLD_JPEG: Compression("old-style JPEG", None),
    32_766: Compression("NeXT", None),
    32_771: Compression("CCITT RLE by words", None),
    32_809: Compression("ThunderScan", None),
    SGI_LOG: Compression("SGILog", None),
    SGI_LOG_24: Compression("SGILog", None),
}
# Read by libtiff as a whole: few files have them, and no other library reads them.
LEGACY: Final = frozenset({OLD_JPEG, 32_766, 32_771, 32_809, SGI_LOG, SGI_LOG_24})
UNSUPPORTED: Final = {
    9: "JBIG",
    10: "JBIG",
    99: "JPEG",
    32_895: "IT8",
    32_896: "IT8",
    32_897: "IT8",
    32_898: "IT8",
    32_908: "PixarFilm",
    32_909: "PixarLog",
    32_947: "Kodak DCS",
    33_003: "JPEG 2000",
    33_004: "JPEG 2000",
    33_005: "JPEG 2000",
    34_661: "JBIG",
    34_712: "JPEG 2000",
    34_713: "Nikon NEF",
    34_715: "JBIG2",
    34_887: "LERC",
    34_892: "Lossy JPEG of a camera raw file",
    34_933: "PNG",
    34_934: "JPEG XR",
    22_610: "JPEG XR",
    50_002: "JPEG XL",
    52_546: "JPEG XL",
    65_000: "Kodak DCR",
    65_535: "Pentax PEF",
}


def check_compression(compression: int) -> None:
    """Check that a compression is read.

    Raises:
        UnsupportedImageError: when it is not.
    """
    if compression not in COMPRESSIONS:
        name = UNSUPPORTED.get(compression, f"Compression {compression}")
        raise UnsupportedImageError(f"{name} in a TIFF is not supported.")


def decompress(
    encoded: bytes | memoryview, compression: int, rows_bytes: int, most_bytes: int
) -> memoryview:
    """Return the first ``rows_bytes`` bytes of a segment, which may have up to ``most_bytes``.

    Raises:
        CorruptImageError: when it is damaged, or has fewer bytes.
    """
    unpack = COMPRESSIONS[compression].decompress
    try:
        decoded = encoded if unpack is None else unpack(bytes(encoded), most_bytes)
    except (zlib.error, lzma.LZMAError, RuntimeError, ValueError) as error:
        raise CorruptImageError("A strip or tile of the TIFF is damaged.") from error
    if len(decoded) < rows_bytes:
        raise CorruptImageError("The TIFF is truncated, or one of its strips or tiles is.")
    return memoryview(decoded)[:rows_bytes]


def decompress_parts(
    encoded: bytes | memoryview, compression: int, sizes: Sequence[int], most_bytes: int
) -> Iterator[memoryview]:
    """Yield the first bytes of a segment in parts of these sizes.

    Raises:
        CorruptImageError: when it is damaged, or has fewer bytes.
    """
    if compression in DEFLATES and sum(sizes) > LARGE_BYTES:
        yield from inflate_parts(encoded, sizes)
        return
    decoded = decompress(encoded, compression, sum(sizes), most_bytes)
    for size, end in zip(sizes, accumulate(sizes), strict=True):
        yield decoded[end - size : end]


def inflate_parts(encoded: bytes | memoryview, sizes: Sequence[int]) -> Iterator[memoryview]:
    """Yield the first bytes of zlib's format in parts, each decompressed when it is asked for."""
    inflator, position = zlib.decompressobj(), 0
    for size in sizes:
        part = bytearray()
        while len(part) < size:
            piece: bytes | memoryview = inflator.unconsumed_tail
            if not piece:
                piece = encoded[position : position + PIECE_BYTES]
                position += PIECE_BYTES
            try:
                inflated = inflator.decompress(piece, size - len(part))
            except zlib.error as error:
                raise CorruptImageError("A strip or tile of the TIFF is damaged.") from error
            part += inflated
            is_over = inflator.eof or not (piece or inflated)
            if is_over and len(part) < size:
                raise CorruptImageError("The TIFF is truncated, or one of its strips or tiles is.")
        yield memoryview(part)


def decode_fax(
    encoded: bytes, compression: int, options: int, rows: int, width: int
) -> NDArray[np.uint8]:
    """Return bits of CCITT compression, (rows, width, 1) of 0 or 1. Rows that are missing are white.

    libtiff decodes: writers of two-dimensional codes count empty runs as it does.

    Raises:
        CorruptImageError: when it is damaged.
    """
    start = 8 + len(encoded)
    values = {WIDTH: width, LENGTH: rows, BITS_PER_SAMPLE: 1, COMPRESSION: compression}
    values |= {PHOTOMETRIC: 0, STRIP_OFFSETS: 8, ROWS_PER_STRIP: rows}
    values |= {STRIP_BYTE_COUNTS: len(encoded), T4_OPTIONS: options}
    tags = b"".join(struct.pack("<HHII", tag, LONG, 1, value) for tag, value in values.items())
    file = struct.pack("<2sHI", b"II", 42, start) + encoded + struct.pack("<H", len(values)) + tags
    try:
        decoded = imagecodecs.tiff_decode(file + bytes(4), index=0, asrgb=True)
    except (RuntimeError, ValueError) as error:
        raise CorruptImageError("A strip or tile of the TIFF is damaged.") from error
    bits: NDArray[np.uint8] = (decoded[..., :1] == 0).astype(np.uint8)
    return bits
