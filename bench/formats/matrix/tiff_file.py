"""Writes TIFF files of any depth and layout (TIFF 6.0 and its technical notes; BigTIFF)."""

import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import imagecodecs
import numpy as np
from numpy.typing import NDArray

SHORT, LONG, UNDEFINED, LONG8 = 3, 4, 7, 16
CODES: Final = {1: "B", SHORT: "H", LONG: "I", 6: "b", 8: "h", 9: "i", LONG8: "Q"}
NONE, LZW, DEFLATE, OLD_DEFLATE, PACKBITS = 1, 5, 8, 32_946, 32_773
LZMA, ZSTD, WEBP = 34_925, 50_000, 50_001
UNSIGNED, SIGNED, FLOAT = 1, 2, 3
COMPRESS: Final[Mapping[int, Callable[[bytes], bytes | bytearray]]] = {
    NONE: bytes,
    LZW: imagecodecs.lzw_encode,
    DEFLATE: zlib.compress,
    OLD_DEFLATE: zlib.compress,
    LZMA: imagecodecs.lzma_encode,
    ZSTD: imagecodecs.zstd_encode,
}
ROWS_PER_STRIP: Final = 32
TILE_PX: Final = 32


@dataclass(frozen=True, slots=True)
class Layout:
    """How a TIFF stores its samples."""

    bits: int
    photometric: int
    sample_format: int = UNSIGNED
    compression: int = NONE
    predictor: int = 1
    planar: bool = False
    tiled: bool = False
    byte_order: Literal["<", ">"] = "<"
    big: bool = False
    extra_samples: Sequence[int] = ()
    tags: Mapping[int, tuple[int, Sequence[int]]] = field(default_factory=dict)
    """Further tags: type and values by number."""


def write_tiff(samples: NDArray[Any], layout: Layout) -> bytes:
    """Return a TIFF of samples (height, width, channels), integers of ``layout.bits`` or floats."""
    height_px, width_px, channels = samples.shape
    planes = np.split(samples, channels, axis=2) if layout.planar else [samples]
    pieces = [
        encode(piece, layout)
        for plane in planes
        for piece in (cut_tiles(plane) if layout.tiled else cut_strips(plane))
    ]
    return write_file(
        pieces,
        replace(
            layout,
            tags={
                256: (LONG, [width_px]),
                257: (LONG, [height_px]),
                258: (SHORT, [layout.bits] * channels),
                277: (SHORT, [channels]),
                **layout.tags,
            },
        ),
    )


def cut_strips(plane: NDArray[Any]) -> list[NDArray[Any]]:
    """Return pieces of some rows."""
    return [plane[top : top + ROWS_PER_STRIP] for top in range(0, len(plane), ROWS_PER_STRIP)]


def cut_tiles(plane: NDArray[Any]) -> list[NDArray[Any]]:
    """Return square pieces, the last ones filled up."""
    down, across = -plane.shape[0] % TILE_PX, -plane.shape[1] % TILE_PX
    padded = np.pad(plane, ((0, down), (0, across), (0, 0)), mode="edge")
    return [
        padded[top : top + TILE_PX, left : left + TILE_PX]
        for top in range(0, padded.shape[0], TILE_PX)
        for left in range(0, padded.shape[1], TILE_PX)
    ]


def encode(piece: NDArray[Any], layout: Layout) -> bytes:
    """Return a strip or a tile, compressed."""
    if layout.compression == WEBP:
        return bytes(imagecodecs.webp_encode(piece.astype(np.uint8, order="C"), lossless=True))
    if layout.predictor == 2:
        piece = np.concatenate([piece[:, :1], np.diff(piece, axis=1)], axis=1)
    rows = [pack_row(row, layout) for row in piece]
    if layout.compression == PACKBITS:
        return b"".join(bytes(imagecodecs.packbits_encode(row)) for row in rows)
    return bytes(COMPRESS[layout.compression](b"".join(rows)))


def pack_row(row: NDArray[Any], layout: Layout) -> bytes:
    """Return a row's samples (width, channels) as bytes, filled to a whole byte."""
    if layout.predictor == 3:
        # Technical note 3: bytes of the same weight together, the highest first.
        planes = row.astype(row.dtype.newbyteorder(">")).reshape(-1)
        by_weight = planes.view(np.uint8).reshape(len(planes), -1).T.reshape(-1, row.shape[1])
        first = by_weight[:1]
        return np.concatenate([first, np.diff(by_weight, axis=0)]).astype(np.uint8).tobytes()
    if layout.bits == 24:
        triples = row.astype(">u4").reshape(-1, 1).view(np.uint8)[:, 1:]
        return (triples if layout.byte_order == ">" else triples[:, ::-1]).tobytes()
    if layout.bits in {8, 16, 32, 64}:
        return row.astype(row.dtype.newbyteorder(layout.byte_order)).tobytes()
    shifts = np.arange(layout.bits - 1, -1, -1)
    bits = (row.reshape(-1, 1).astype(np.int64) >> shifts) & 1
    return np.packbits(bits.reshape(-1).astype(np.uint8)).tobytes()


def write_file(pieces: Sequence[bytes], layout: Layout) -> bytes:
    """Return a TIFF of compressed pieces; ``layout.tags`` have what the pieces don't say."""
    order, big = layout.byte_order, layout.big
    position = 16 if big else 8
    starts = [position + sum(map(len, pieces[:number])) for number in range(len(pieces))]
    lengths = [len(piece) for piece in pieces]
    at = {True: (322, 323, 324, 325), False: (None, 278, 273, 279)}[layout.tiled]
    tags = {
        259: (SHORT, [layout.compression]),
        262: (SHORT, [layout.photometric]),
        at[1]: (LONG, [TILE_PX if layout.tiled else ROWS_PER_STRIP]),
        at[2]: (LONG, starts),
        at[3]: (LONG, lengths),
        284: (SHORT, [2 if layout.planar else 1]),
        **layout.tags,
    }
    if layout.tiled:
        tags[322] = (LONG, [TILE_PX])
    if layout.predictor != 1:
        tags[317] = (SHORT, [layout.predictor])
    if layout.extra_samples:
        tags[338] = (SHORT, list(layout.extra_samples))
    if layout.sample_format != UNSIGNED:
        tags[339] = (SHORT, [layout.sample_format] * len(tags[258][1]))
    body = b"".join(pieces)
    body += bytes(len(body) % 2)
    return (
        write_header(order, position + len(body), big=big)
        + body
        + write_directory(tags, order, position + len(body), big=big)
    )


def write_header(order: str, directory: int, *, big: bool) -> bytes:
    """Return a TIFF's first bytes."""
    mark = b"II" if order == "<" else b"MM"
    if big:
        return mark + struct.pack(f"{order}HHHQ", 43, 8, 0, directory)
    return mark + struct.pack(f"{order}HI", 42, directory)


def write_directory(
    tags: Mapping[int, tuple[int, Sequence[int]]], order: str, start: int, *, big: bool
) -> bytes:
    """Return the only directory, which lies at ``start``, and the values behind it."""
    count, number, pointer = ("Q", "Q", 8) if big else ("H", "I", 4)
    entry_bytes = 12 if pointer == 4 else 20
    values_at = start + struct.calcsize(f"={count}{number}") + entry_bytes * len(tags)
    entries, values = b"", b""
    for tag, (kind, content) in sorted(tags.items()):
        if kind == UNDEFINED:
            packed = bytes(content)
        else:
            packed = struct.pack(f"{order}{len(content)}{CODES[kind]}", *content)
        entry = struct.pack(f"{order}HH{number}", tag, kind, len(content))
        if len(packed) <= pointer:
            entries += entry + packed.ljust(pointer, b"\0")
        else:
            entries += entry + struct.pack(order + number, values_at + len(values))
            values += packed + bytes(len(packed) % 2)
    return struct.pack(order + count, len(tags)) + entries + struct.pack(order + number, 0) + values
