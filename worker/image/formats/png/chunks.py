"""Picks the chunks of a PNG that a reader needs, and leaves damaged ones out if it can do without."""

import zlib
from dataclasses import dataclass, field
from typing import Final

from contract.errors import CorruptImageError, UnsupportedImageError
from contract.image_headers import png
from contract.image_headers.steps import Steps, TooManyStepsError
from worker.image.limits import BYTES_PER_READ, FREE_READS

HEADER, PALETTE, ALPHA, PIXELS, END = b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"
INDEXED: Final = 3
APPLE_VARIANT: Final = b"CgBI"
LONGEST_KEYWORD_BYTES: Final = 79
TEXTS: Final = frozenset({b"tEXt", b"zTXt", b"iTXt"})
# PNG, third edition, 5.6. As in libpng, a chunk at another place is left out.
COLOURS: Final = frozenset({b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM"})
BEFORE_PIXELS: Final = frozenset({HEADER, PALETTE, ALPHA, b"pHYs"})
ANYWHERE: Final = frozenset({b"eXIf"})


@dataclass(slots=True)
class Chunks:
    """The contents of a PNG's chunks."""

    first: dict[bytes, bytes] = field(default_factory=dict)
    """The first intact one by kind."""
    texts: dict[bytes, tuple[bytes, bytes]] = field(default_factory=dict)
    """Kind and content of the first intact text by keyword."""
    pixels: list[memoryview] = field(default_factory=list)


def read_chunks(data: bytes, keywords: frozenset[bytes]) -> Chunks:
    """Return the header and the chunks after it that count, of texts those with one of ``keywords``.

    What follows damaged pixels is left out.

    Raises:
        CorruptImageError: when a header or a palette is damaged, or when there are too many chunks.
        UnsupportedImageError: when the file is of Apple's variant, which no other program reads.
    """
    chunks = Chunks()
    steps = Steps(FREE_READS + len(data) // BYTES_PER_READ)
    try:
        for kind, start, end in png.read_chunks(data, steps):
            if kind == END:
                break
            if kind == APPLE_VARIANT:
                raise UnsupportedImageError("PNG files of Apple's variant CgBI are not supported.")
            if kind == PIXELS and chunks.first:
                # A decoder tells whether pixels are missing; the end of their last chunk may be.
                if end + 4 <= len(data) and not is_intact(data, start, end):
                    break
                chunks.pixels.append(memoryview(data)[start:end])
            elif kind in TEXTS:
                keep_text(chunks, data, (kind, start, end), keywords)
            elif kind == HEADER or HEADER in chunks.first:
                keep_first(chunks, data, (kind, start, end))
    except TooManyStepsError as error:
        raise CorruptImageError("The PNG has too many chunks.") from error
    return chunks


def keep_text(
    chunks: Chunks, data: bytes, chunk: tuple[bytes, int, int], keywords: frozenset[bytes]
) -> None:
    """Keep a text if it is the first intact one with its keyword."""
    kind, start, end = chunk
    keyword = data[start : min(end, start + LONGEST_KEYWORD_BYTES + 1)].partition(b"\0")[0]
    if keyword in keywords and keyword not in chunks.texts and is_intact(data, start, end):
        chunks.texts[keyword] = kind, data[start + len(keyword) + 1 : end]


def keep_first(chunks: Chunks, data: bytes, chunk: tuple[bytes, int, int]) -> None:
    """Keep a chunk if it is the first intact one of its kind.

    Raises:
        CorruptImageError: when a header or a palette has a wrong checksum.
    """
    kind, start, end = chunk
    if kind in chunks.first or not is_in_place(kind, chunks):
        return
    if is_intact(data, start, end):
        chunks.first[kind] = data[start:end]
    elif kind in {HEADER, PALETTE}:
        raise CorruptImageError(f"The PNG's chunk {kind.decode()} is damaged.")


def is_in_place(kind: bytes, chunks: Chunks) -> bool:
    """Return whether a chunk of this kind counts after ``chunks``."""
    if kind in COLOURS:
        return not chunks.pixels and PALETTE not in chunks.first
    if kind == ALPHA and chunks.first[HEADER][9] == INDEXED and PALETTE not in chunks.first:
        return False
    return kind in ANYWHERE or (kind in BEFORE_PIXELS and not chunks.pixels)


def is_intact(data: bytes, start: int, end: int) -> bool:
    """Return whether a chunk's checksum, of its kind and content, is there and right."""
    if end + 4 > len(data):
        return False
    checksum = int.from_bytes(data[end : end + 4], "big")
    return zlib.crc32(memoryview(data)[start - 4 : end]) == checksum
