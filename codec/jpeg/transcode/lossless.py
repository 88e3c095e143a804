"""A source's coefficients written again without change, with optimal Huffman codes."""

import numpy as np
from numpy.typing import NDArray

from codec.jpeg.decode.coefficients import Source
from codec.jpeg.quantize.rdoq import count_ac_symbols, quantize_dc
from codec.jpeg.syntax.component import CHROMA, LUMA, Component
from codec.jpeg.syntax.huffman import build_table, count_bits
from codec.jpeg.write.baseline_scan import write_scan
from codec.jpeg.write.marker_segments import write_file, write_header
from codec.jpeg.write.progressive import write_progressive


def rewrite(source: Source, *, progressive: bool) -> bytes:
    """Return a file of the source's qcoefs without metadata, progressive or baseline.

    Blocks that only complete MCUs repeat the previous DC and have no AC, which takes the fewest bits.
    """
    kinds = min(len(source.quant_tables), 2)
    dc_counts = [np.zeros(256, np.int64) for _ in range(kinds)]
    ac_counts = [np.zeros(256, np.int64) for _ in range(kinds)]
    components: list[Component] = []
    planes: list[NDArray[np.int16]] = []
    for i, qcoefs in enumerate(source.qcoefs):
        kind = CHROMA if i else LUMA
        component = _make_component(source, qcoefs, kind)
        padded = qcoefs.copy()
        padded[component.real_rows :, :, 1:] = 0
        padded[:, component.real_columns :, 1:] = 0
        quantize_dc(
            np.ascontiguousarray(component.coefs[..., 0]),
            1.0,
            component.real_rows,
            component.real_columns,
            component.vertical,
            component.horizontal,
            padded,
            dc_counts[kind],
        )
        count_ac_symbols(padded, 1, 1, ac_counts[kind])
        components.append(component)
        planes.append(padded)
    size_px = (source.width, source.height)
    if progressive:
        return write_progressive(size_px, components, source.quant_tables, planes)
    dc_tables = [build_table(counts) for counts in dc_counts]
    ac_tables = [build_table(counts) for counts in ac_counts]
    coded = zip([*dc_counts, *ac_counts], [*dc_tables, *ac_tables], strict=True)
    bits = sum(count_bits(counts, table.lengths) for counts, table in coded)
    header = write_header(size_px, components, source.quant_tables, dc_tables, ac_tables)
    return write_file(header, write_scan(components, planes, dc_tables, ac_tables, bits))


def _make_component(source: Source, qcoefs: NDArray[np.int16], kind: int) -> Component:
    """Return a component with the DC of `qcoefs` as its coefs, and without weights."""
    across, down = (source.horizontal, source.vertical) if kind == CHROMA else (1, 1)
    real = (-(-source.height // (8 * down)), -(-source.width // (8 * across)))
    factors = (1, 1) if kind == CHROMA else (source.horizontal, source.vertical)
    none = np.zeros((0, 0), np.float32)
    return Component(kind, *factors, *real, qcoefs[..., :1].astype(np.float32), none, none, none)
