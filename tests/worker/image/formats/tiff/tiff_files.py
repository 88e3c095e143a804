"""Builds TIFFs of any tags, and reads what the reader makes of them."""

import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worker.image.formats.tiff.directory import Directory
from worker.image.formats.tiff.header import read_layout
from worker.image.formats.tiff.layout import Layout
from worker.image.formats.tiff.read import read
from worker.image.samples import Samples

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, FLOAT, LONG8 = 1, 2, 3, 4, 5, 7, 11, 16
FORMATS = {1: "B", 2: "s", 3: "H", 4: "I", 5: "I", 6: "b", 7: "s", 8: "h", 9: "i", 10: "i"} | {
    11: "f",
    12: "d",
    13: "I",
    16: "Q",
    17: "q",
    18: "Q",
}
TILED = 322

Value = int | bytes | Sequence[int] | tuple[int, Sequence[float]]


def make_tiff(
    segments: Sequence[bytes],
    tags: Mapping[int, Value],
    *,
    order: str = "<",
    is_big: bool = False,
) -> bytes:
    """Return a TIFF of one directory.

    A tag is a number or several (of type LONG), bytes (UNDEFINED), or a pair of a type and values.
    Offsets and byte counts of the segments are added, for strips or, with a tile width, for tiles.
    """
    data = (b"II" if order == "<" else b"MM") + struct.pack(
        *((order + "HHHQ", 43, 8, 0, 0) if is_big else (order + "HI", 42, 0))
    )
    offsets = []
    for segment in segments:
        offsets.append(len(data))
        data += segment
    positions = (324, 325) if TILED in tags else (273, 279)
    places = {positions[0]: offsets, positions[1]: [len(segment) for segment in segments]}
    number_format, room = ("Q", 8) if is_big else ("I", 4)
    entries = []
    for number, value in sorted((places | dict(tags)).items()):
        kind, count, packed = pack(value, order)
        if len(packed) > room:
            position = len(data)
            data += packed
            packed = struct.pack(order + number_format, position)
        head = struct.pack(order + "HH" + number_format, number, kind, count)
        entries.append(head + packed.ljust(room, b"\0"))
    start = len(data)
    count_format = "Q" if is_big else "H"
    data += struct.pack(order + count_format, len(entries)) + b"".join(entries) + bytes(room)
    at = 8 if is_big else 4
    return data[:at] + struct.pack(order + number_format, start) + data[at + room :]


def pack(value: Value, order: str) -> tuple[int, int, bytes]:
    """Return the type, count and bytes of a tag's value."""
    if isinstance(value, bytes):
        return UNDEFINED, len(value), value
    if isinstance(value, int):
        value = [value]
    kind, values = value if isinstance(value, tuple) else (LONG, value)
    packed = struct.pack(f"{order}{len(values)}{FORMATS[kind]}", *values)
    return kind, len(values) // (2 if kind in {5, 10} else 1), packed


def shape_tags(
    width: int, height: int, *, bits: int = 8, samples: int = 1, photometric: int = 1
) -> dict[int, Value]:
    """Return the tags of an uncompressed picture in one strip."""
    return {
        256: width,
        257: height,
        258: (SHORT, [bits] * samples),
        259: 1,
        262: photometric,
        277: samples,
    }


def values_of(data: bytes) -> NDArray[Any]:
    """Return the samples that are read of a TIFF."""
    return samples_of(data).values


def samples_of(data: bytes) -> Samples:
    """Return what is read of a TIFF."""
    pixels = read(data).pixels
    assert isinstance(pixels, Samples)
    assert pixels.values.flags.c_contiguous or pixels.values.ndim == 3
    return pixels


def layout_of(tags: Mapping[int, Value]) -> Layout:
    """Return the layout of a TIFF with these tags and an empty strip."""
    return read_layout(Directory(make_tiff([b""], tags)))


def pack_bits(values: NDArray[np.integer[Any]], bits: int) -> bytes:
    """Return rows of numbers, most significant bit first, each row filled up to bytes."""
    rows = values.reshape(len(values), -1)
    text = ["".join(f"{int(value):0{bits}b}" for value in row) for row in rows]
    return b"".join(
        int(row.ljust(-(-len(row) // 8) * 8, "0"), 2).to_bytes(-(-len(row) // 8), "big")
        for row in text
    )
