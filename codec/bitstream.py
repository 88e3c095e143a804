"""The file: marker segments (T.81 Annex B, JFIF 1.02) around one entropy-coded scan."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codec.component import Component
from codec.huffman import HuffmanTable

_SOI = b"\xff\xd8"
_EOI = b"\xff\xd9"
# Version 1.02, no density unit, aspect ratio 1:1, no thumbnail.
_JFIF = b"JFIF\x00\x01\x02\x00\x00\x01\x00\x01\x00\x00"


def _segment(marker: int, payload: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(payload) + 2).to_bytes(2, "big") + payload


def _dht(table_class: int, index: int, table: HuffmanTable) -> bytes:
    counts = bytes(int(n) for n in table.bits[1:])
    return bytes((table_class << 4 | index,)) + counts + bytes(int(s) for s in table.symbols)


def write_header(
    size_px: tuple[int, int],
    components: Sequence[Component],
    quant_tables: Sequence[NDArray[np.uint16]],
    dc_tables: Sequence[HuffmanTable],
    ac_tables: Sequence[HuffmanTable],
) -> bytes:
    """Return everything before the scan: APP0, DQT, SOF0, DHT, SOS.

    `size_px` is (width, height); tables are indexed by kind.
    """
    width, height = size_px
    frame = b"\x08" + height.to_bytes(2, "big") + width.to_bytes(2, "big")
    frame += bytes((len(components),))
    scan = bytes((len(components),))
    for i, component in enumerate(components):
        sampling = component.horizontal << 4 | component.vertical
        frame += bytes((i + 1, sampling, component.kind))
        scan += bytes((i + 1, component.kind << 4 | component.kind))
    dqt = b"".join(
        bytes((i,)) + table.astype(np.uint8).tobytes() for i, table in enumerate(quant_tables)
    )
    dht = b"".join(_dht(0, i, table) for i, table in enumerate(dc_tables))
    dht += b"".join(_dht(1, i, table) for i, table in enumerate(ac_tables))
    return (
        _SOI
        + _segment(0xE0, _JFIF)
        + _segment(0xDB, dqt)
        + _segment(0xC0, frame)
        + _segment(0xC4, dht)
        + _segment(0xDA, scan + b"\x00\x3f\x00")
    )


def write_file(header: bytes, scan: bytes) -> bytes:
    """Return the whole file."""
    return header + scan + _EOI
