"""One pass of quantization over all components, and the bytes that its symbols will take."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.jpeg.quantize.blocks import Blocks, Steps
from codec.jpeg.quantize.source_steps import snap_tables
from codec.jpeg.quantize.tuning import Tuning
from codec.jpeg.syntax.component import Component
from codec.jpeg.syntax.huffman import HuffmanTable, build_table, count_bits
from codec.jpeg.syntax.tables import ANNEX_K_CHROMA, ANNEX_K_LUMA, round_table, weigh_frequencies

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
    """Of each component."""
    dc_tables: list[HuffmanTable]
    ac_tables: list[HuffmanTable]
    dc_counts: list[NDArray[np.int64]]
    ac_counts: list[NDArray[np.int64]]
    scan_bits: int
    file_bytes: float
    """Exact but for byte stuffing."""


def list_sensitivities(tuning: Tuning, components: int) -> list[NDArray[np.float32]]:
    """Return f (64,) of each of the components, Y first."""
    own = ((ANNEX_K_LUMA, tuning.luma), (ANNEX_K_CHROMA, tuning.cb), (ANNEX_K_CHROMA, tuning.cr))
    return [weigh_frequencies(*pair) for pair in own[:components]]


def make_tables(tuning: Tuning, scale: float, components: int) -> list[NDArray[np.uint16]]:
    """Return each component's quant_table (zigzag); `scale` is the step where an error counts 1."""
    exponent = np.float32(-0.5 * tuning.steepness)
    return [
        round_table(np.power(f, exponent) * np.float32(scale))
        for f in list_sensitivities(tuning, components)
    ]


def choose_tables(
    tuning: Tuning, scale: float, components: Sequence[Component]
) -> list[NDArray[np.uint16]]:
    """Return each component's quant_table: `make_tables`, with the steps of a source where near."""
    return snap_tables(make_tables(tuning, scale, len(components)), components)


def scale_steps(tuning: Tuning, quant_tables: list[NDArray[np.uint16]], point: Point) -> Steps:
    """Return what decides with these tables at `point`."""
    rd_lambda = max(tuning.rd_lambda * point.lambda_scale * point.lambda_scale, 1e-6)
    steps = Steps(quant_tables, [], [])
    frequencies = list_sensitivities(tuning, len(quant_tables))
    for frequency, table in zip(frequencies, quant_tables, strict=True):
        own = table.astype(np.float32)
        steps.inverse.append(np.float32(1.0) / own)
        steps.distortion_scales.append(frequency * own * own * np.float32(1.0 / rd_lambda))
    return steps


def estimate_rates(counts: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return bits (256,) of each AC symbol: its information, unseen symbols as if seen a quarter."""
    smoothed = counts.astype(np.float32) + np.float32(0.25)
    rates: NDArray[np.float32] = np.log2(smoothed.sum()) - np.log2(smoothed)
    return rates


def run_pass(
    blocks: Blocks, tuning: Tuning, point: Point, rates: Sequence[NDArray[np.float32]]
) -> Pass:
    """Quantize every block and count the bits."""
    quant_tables = choose_tables(tuning, point.table_scale, blocks.components)
    counts = blocks.quantize(scale_steps(tuning, quant_tables, point), rates)
    return sum_up(blocks.components, point, quant_tables, counts.dc, counts.ac)


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
    count = len(components)
    return 2 + 18 + 4 + 65 * count + 10 + 3 * count + 2


def _header_bytes(components: Sequence[Component], tables: Sequence[HuffmanTable]) -> int:
    """Return the bytes around the scan: those of the frame, DHT and SOS."""
    scan = 4 + sum(17 + table.symbols.size for table in tables) + 8 + 2 * len(components)
    return frame_bytes(components) + scan
