"""One pass of quantization over all components, and the bytes that its symbols will take."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.jpeg.quantize.blocks import Blocks
from codec.jpeg.quantize.steps import choose_tables, scale_steps
from codec.jpeg.quantize.tuning import Tuning
from codec.jpeg.syntax.component import Component
from codec.jpeg.syntax.huffman import HuffmanTable, build_table, count_bits

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
    counts = blocks.quantize(scale_steps(tuning, quant_tables, point.lambda_scale), rates)
    return sum_up(blocks.components, point, quant_tables, counts.dc, counts.ac)


def adjust_pass(
    blocks: Blocks,
    tuning: Tuning,
    made: Pass,
    rates: Sequence[NDArray[np.float32]],
    *,
    lambda_scale: float,
    stride: int,
) -> Pass:
    """Quantize every stride-th block of `made` again and return the resulting pass.

    A pass that ends near its goal needs no second one: if one block in five takes a λ that changes
    its bits by five times the missing share, the file meets the goal at a fifth of the cost. The
    result has the point of `made`, at which most of its blocks were quantized.
    """
    steps = scale_steps(tuning, made.quant_tables, lambda_scale)
    ac_counts = blocks.adjust(steps, rates, stride, made.ac_counts)
    return sum_up(blocks.components, made.point, made.quant_tables, made.dc_counts, ac_counts)


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
