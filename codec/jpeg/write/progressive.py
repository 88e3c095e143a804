"""The progressive file: a SOF2 frame, and scans with their tables (T.81 Annex G)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codec.jpeg.syntax.component import LUMA, Component
from codec.jpeg.write.coded_scan import CodedScan
from codec.jpeg.write.marker_segments import (
    EOI,
    PROGRESSIVE,
    write_frame_header,
    write_huffman_tables,
    write_scan_header,
)
from codec.jpeg.write.scan_script import code_scans
from codec.jpeg.write.tokens import write_tokens


def write_scans(
    size_px: tuple[int, int],
    components: Sequence[Component],
    quant_tables: Sequence[NDArray[np.uint16]],
    scans: Sequence[CodedScan],
) -> bytes:
    """Return the file of `scans`; `size_px` is (width, height)."""
    parts = [write_frame_header(size_px, components, quant_tables, PROGRESSIVE)]
    for coded in scans:
        scan = coded.scan
        is_dc = scan.band[0] == 0
        dc, ac = (coded.tables, []) if is_dc else ([], coded.tables)
        # One table serves all components of a scan, or luma takes the first and chroma the second.
        shared = len(coded.tables) == 1
        selectors = []
        for i in scan.components:
            table = 0 if shared or components[i].kind == LUMA else 1
            selectors.append((i, table, 0) if is_dc else (i, 0, table))
        if not coded.is_table_inherited:
            parts.append(write_huffman_tables(dc, ac))
        parts += [
            write_scan_header(selectors, scan.band, scan.high_bit, scan.low_bit),
            write_tokens(coded.tokens, coded.tables, coded.bits),
        ]
    return b"".join([*parts, EOI])


def write_progressive(
    size_px: tuple[int, int],
    components: Sequence[Component],
    quant_tables: Sequence[NDArray[np.uint16]],
    qcoefs: Sequence[NDArray[np.int16]],
) -> bytes:
    """Return the progressive file of `qcoefs` with the scans that `choose_script` finds."""
    return write_scans(size_px, components, quant_tables, code_scans(components, qcoefs))
