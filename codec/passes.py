"""One pass of quantization over all components, and the bytes that its symbols will take."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.component import CHROMA, Component
from codec.dc import quantize_dc
from codec.huffman import HuffmanTable, build_table, count_bits
from codec.rdoq import quantize_ac
from codec.tables import ANNEX_K_CHROMA, ANNEX_K_LUMA, round_table, shape_table
from codec.tuning import Tuning

# Every coded byte of 0xFF grows by a stuffed zero: nearly the one byte in 256 that chance would give.
STUFFING = 1.0036


@dataclass(frozen=True, slots=True)
class Point:
    """Where on the rate axis a pass runs."""

    table_scale: float
    """First luma step of the table before rounding, in sample units."""
    lambda_scale: float
    """The step that rd_lambda is relative to; equals table_scale except for the last adjustment."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What one pass chose."""

    point: Point
    quant_tables: list[NDArray[np.uint16]]
    dc_tables: list[HuffmanTable]
    ac_tables: list[HuffmanTable]
    dc_counts: list[NDArray[np.int64]]
    ac_counts: list[NDArray[np.int64]]
    scan_bits: int
    file_bytes: float
    """Exact but for byte stuffing."""


def make_tables(tuning: Tuning, scale: float, kinds: int) -> list[NDArray[np.uint16]]:
    """Return the quant_tables (zigzag) of luma and, where there is chroma, of both chroma components."""
    luma = shape_table(ANNEX_K_LUMA, tuning.luma_mix)
    chroma = shape_table(ANNEX_K_CHROMA, tuning.chroma_mix) * np.float32(tuning.chroma_scale)
    return [round_table(shape * np.float32(scale)) for shape in (luma, chroma)[:kinds]]


def _distortion_scales(
    tuning: Tuning, kind: int, table: NDArray[np.uint16], lambda_scale: float
) -> NDArray[np.float32]:
    """Return bits (64,) that a squared error of one quantization step is worth."""
    annex_k, mix, weight = (
        (ANNEX_K_CHROMA, tuning.chroma_mix, tuning.chroma_weight)
        if kind == CHROMA
        else (ANNEX_K_LUMA, tuning.luma_mix, 1.0)
    )
    frequency = shape_table(annex_k, -mix * tuning.tilt)
    rd_lambda = max(tuning.rd_lambda * lambda_scale * lambda_scale, 1e-6)
    steps = table.astype(np.float32)
    scales: NDArray[np.float32] = frequency * steps * steps * np.float32(weight / rd_lambda)
    return scales


def scale_steps(
    tuning: Tuning, kind: int, table: NDArray[np.uint16], point: Point
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return 1 / table, and the bits that a squared error of one step is worth: both (64,)."""
    inverse_steps = (1.0 / table).astype(np.float32)
    return inverse_steps, _distortion_scales(tuning, kind, table, point.lambda_scale)


def estimate_rates(counts: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return bits (256,) of each AC symbol: its information, unseen symbols as if seen a quarter."""
    smoothed = counts.astype(np.float32) + np.float32(0.25)
    rates: NDArray[np.float32] = np.log2(smoothed.sum()) - np.log2(smoothed)
    return rates


def run_pass(
    components: Sequence[Component],
    tuning: Tuning,
    point: Point,
    rates: Sequence[NDArray[np.float32]],
    qcoefs: Sequence[NDArray[np.int16]],
) -> Pass:
    """Quantize every block into `qcoefs` and count the bits."""
    kinds = max(component.kind for component in components) + 1
    quant_tables = make_tables(tuning, point.table_scale, kinds)
    dc_counts = [np.zeros(256, np.int64) for _ in range(kinds)]
    ac_counts = [np.zeros(256, np.int64) for _ in range(kinds)]
    for component, stored in zip(components, qcoefs, strict=True):
        table = quant_tables[component.kind]
        quantize_dc(
            component.coefs,
            int(table[0]),
            component.real_rows,
            component.real_columns,
            component.vertical,
            component.horizontal,
            stored,
            dc_counts[component.kind],
        )
        quantize_ac(
            component.coefs,
            component.block_weights,
            *scale_steps(tuning, component.kind, table, point),
            rates[component.kind],
            1,
            stored,
            ac_counts[component.kind],
        )
    return sum_up(components, point, quant_tables, dc_counts, ac_counts)


def sum_up(
    components: Sequence[Component],
    point: Point,
    quant_tables: list[NDArray[np.uint16]],
    dc_counts: list[NDArray[np.int64]],
    ac_counts: list[NDArray[np.int64]],
) -> Pass:
    """Return the pass whose symbols these are: its Huffman tables and its bytes."""
    dc_tables = [build_table(counts) for counts in dc_counts]
    ac_tables = [build_table(counts) for counts in ac_counts]
    pairs = zip([*dc_counts, *ac_counts], [*dc_tables, *ac_tables], strict=True)
    scan_bits = sum(count_bits(counts, table.lengths) for counts, table in pairs)
    header = _header_bytes(components, [*dc_tables, *ac_tables])
    return Pass(
        *(point, quant_tables, dc_tables, ac_tables, dc_counts, ac_counts, scan_bits),
        header + scan_bits / 8 * STUFFING,
    )


def frame_bytes(components: Sequence[Component]) -> int:
    """Return the bytes that belong to no scan: SOI, APP0, DQT, SOF, EOI."""
    kinds = max(component.kind for component in components) + 1
    return 2 + 18 + 4 + 65 * kinds + 10 + 3 * len(components) + 2


def _header_bytes(components: Sequence[Component], tables: Sequence[HuffmanTable]) -> int:
    """Return the bytes around the scan: those of the frame, DHT and SOS."""
    scan = 4 + sum(17 + table.symbols.size for table in tables) + 8 + 2 * len(components)
    return frame_bytes(components) + scan
