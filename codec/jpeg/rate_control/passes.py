"""A pass: one quantization of all components, and the bytes of the resulting file."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.jpeg.quantize.blocks import Blocks
from codec.jpeg.quantize.steps import choose_tables, scale_steps
from codec.jpeg.quantize.tuning import Tuning
from codec.jpeg.syntax.component import Component
from codec.jpeg.syntax.huffman import HuffmanTable, build_table, count_bits
from codec.jpeg.syntax.own_mark import MARK_BYTES

STUFFING: Final = 1.0036
"""Factor for stuffed bytes: a zero follows each 0xFF of a scan, about one byte in 256 (F.1.2.3)."""


@dataclass(frozen=True, slots=True)
class Point:
    """The coarseness of a pass."""

    table_scale: float
    """Step of an error of weight 1, before rounding (`make_tables`)."""
    lambda_scale: float
    """Step that λ is relative to (`scale_steps`); table_scale unless λ alone is changed."""


@dataclass(frozen=True, slots=True)
class Pass:
    """The result of one pass."""

    point: Point
    quant_tables: list[NDArray[np.uint16]]
    """(64,) zigzag, of each component."""
    dc_tables: list[HuffmanTable]
    """By component kind, like the three that follow."""
    ac_tables: list[HuffmanTable]
    dc_counts: list[NDArray[np.int64]]
    ac_counts: list[NDArray[np.int64]]
    scan_bits: int
    """Bits of the baseline scan before byte stuffing."""
    file_bytes: float
    """Exact except for byte stuffing."""


def estimate_rates(counts: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the bits (256,) of each AC symbol: its information, with 1/4 added to each count."""
    smoothed = counts.astype(np.float32) + np.float32(0.25)
    rates: NDArray[np.float32] = np.log2(smoothed.sum()) - np.log2(smoothed)
    return rates


def run_pass(
    blocks: Blocks, tuning: Tuning, point: Point, rates: Sequence[NDArray[np.float32]]
) -> Pass:
    """Quantize every block at `point`, with these `rates` (`Blocks`), and count the bits."""
    quant_tables = choose_tables(tuning, point.table_scale, blocks.components)
    counts = blocks.quantize(scale_steps(tuning, quant_tables, point.lambda_scale), rates)
    return build_pass(blocks.components, point, quant_tables, counts.dc, counts.ac)


def adjust_pass(
    blocks: Blocks,
    tuning: Tuning,
    base: Pass,
    rates: Sequence[NDArray[np.float32]],
    *,
    lambda_scale: float,
    stride: int,
) -> Pass:
    """Quantize every stride-th block of the pass `base` again with another λ; return the resulting pass.

    It replaces a second pass where the first ends near its goal. With a stride of five it takes a fifth
    of the time, with a λ that changes the bits of these blocks by five times the missing share. The
    result has the point of `base`, since most of its blocks were quantized there.
    """
    steps = scale_steps(tuning, base.quant_tables, lambda_scale)
    ac_counts = blocks.adjust(steps, rates, stride, base.ac_counts)
    return build_pass(blocks.components, base.point, base.quant_tables, base.dc_counts, ac_counts)


def build_pass(
    components: Sequence[Component],
    point: Point,
    quant_tables: list[NDArray[np.uint16]],
    dc_counts: list[NDArray[np.int64]],
    ac_counts: list[NDArray[np.int64]],
) -> Pass:
    """Return the pass with these symbol counts, with its Huffman tables and bytes."""
    dc_tables = [build_table(counts) for counts in dc_counts]
    ac_tables = [build_table(counts) for counts in ac_counts]
    pairs = zip([*dc_counts, *ac_counts], [*dc_tables, *ac_tables], strict=True)
    scan_bits = sum(count_bits(counts, table.lengths) for counts, table in pairs)
    header = _count_header_bytes(components, [*dc_tables, *ac_tables])
    return Pass(
        *(point, quant_tables, dc_tables, ac_tables, dc_counts, ac_counts, scan_bits),
        header + scan_bits / 8 * STUFFING,
    )


def count_frame_bytes(components: Sequence[Component]) -> int:
    """Return the bytes outside of scans: SOI, APP0, the mark, DQT, SOF and EOI."""
    count = len(components)
    return 2 + 18 + MARK_BYTES + 4 + 65 * count + 10 + 3 * count + 2


def _count_header_bytes(components: Sequence[Component], tables: Sequence[HuffmanTable]) -> int:
    """Return the bytes of a baseline file outside its scan: those of `count_frame_bytes`, DHT and SOS."""
    scan = 4 + sum(17 + table.symbols.size for table in tables) + 8 + 2 * len(components)
    return count_frame_bytes(components) + scan
