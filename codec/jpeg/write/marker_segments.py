"""The marker segments of a file (T.81 Annex B, JFIF 1.02)."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.jpeg.syntax.component import Component
from codec.jpeg.syntax.huffman import HuffmanTable
from codec.jpeg.syntax.segment import write_segment

BASELINE: Final = 0xC0
PROGRESSIVE: Final = 0xC2
EOI: Final = b"\xff\xd9"

_SOI = b"\xff\xd8"
# Version 1.02, no density unit, aspect ratio 1:1, no thumbnail.
_JFIF = b"JFIF\x00\x01\x02\x00\x00\x01\x00\x01\x00\x00"


def _make_dht(table_class: int, index: int, table: HuffmanTable) -> bytes:
    counts_and_symbols = np.concatenate((table.bits[1:], table.symbols)).astype(np.uint8)
    return bytes((table_class << 4 | index,)) + counts_and_symbols.tobytes()


def write_frame_header(
    size_px: tuple[int, int],
    components: Sequence[Component],
    quant_tables: Sequence[NDArray[np.uint16]],
    process: int,
) -> bytes:
    """Return SOI, APP0, DQT and SOF.

    `size_px` is (width, height). There is one table per component. `process` is BASELINE or PROGRESSIVE.
    """
    width, height = size_px
    frame = b"\x08" + height.to_bytes(2, "big") + width.to_bytes(2, "big")
    frame += bytes((len(components),))
    for i, component in enumerate(components):
        sampling = component.horizontal << 4 | component.vertical
        frame += bytes((i + 1, sampling, i))
    dqt = b"".join(
        bytes((i,)) + table.astype(np.uint8).tobytes() for i, table in enumerate(quant_tables)
    )
    return (
        _SOI + write_segment(0xE0, _JFIF) + write_segment(0xDB, dqt) + write_segment(process, frame)
    )


def write_huffman_tables(
    dc_tables: Sequence[HuffmanTable], ac_tables: Sequence[HuffmanTable]
) -> bytes:
    """Return DHT with these tables, indexed from 0 in each class."""
    dht = b"".join(_make_dht(0, i, table) for i, table in enumerate(dc_tables))
    dht += b"".join(_make_dht(1, i, table) for i, table in enumerate(ac_tables))
    return write_segment(0xC4, dht)


def write_scan_header(
    selectors: Sequence[tuple[int, int, int]],
    band: tuple[int, int] = (0, 63),
    high_bit: int = 0,
    low_bit: int = 0,
) -> bytes:
    """Return SOS; each selector is the index of a component, of its DC table and of its AC table."""
    scan = bytes((len(selectors),))
    scan += b"".join(bytes((i + 1, dc << 4 | ac)) for i, dc, ac in selectors)
    return write_segment(0xDA, scan + bytes((*band, high_bit << 4 | low_bit)))


def write_header(
    size_px: tuple[int, int],
    components: Sequence[Component],
    quant_tables: Sequence[NDArray[np.uint16]],
    dc_tables: Sequence[HuffmanTable],
    ac_tables: Sequence[HuffmanTable],
) -> bytes:
    """Return everything before the scan of a baseline file; arguments as in `write_frame_header`."""
    selectors = [(i, component.kind, component.kind) for i, component in enumerate(components)]
    return (
        write_frame_header(size_px, components, quant_tables, BASELINE)
        + write_huffman_tables(dc_tables, ac_tables)
        + write_scan_header(selectors)
    )


def write_file(header: bytes, scan: bytes) -> bytes:
    """Return the whole file of one scan."""
    return header + scan + EOI
