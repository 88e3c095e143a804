"""The scans of a progressive file: which there are, and their symbols (T.81 G.1.1).

A component's AC coefficients are coded in the bands, and with as many low bits left to refining
scans, as takes the fewest bits. A level of successive approximation more is tried only while the one
before has paid. DC is never approximated: on Kodak that took more bits at every quality.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.ac_scan import list_first, list_refinement
from codec.bands import divide_spectrum, price_bands
from codec.component import Component
from codec.dc_scan import list_dc
from codec.huffman import HuffmanTable, build_table
from codec.nonzeros import Nonzeros, list_nonzeros
from codec.tokens import count_tokens

# By kind: bands and low bits that a component may have. At most 12 scans, DC's two among them:
# decoders refuse files of many, and browsers draw each.
_MOST_BANDS = (4, 2)
_MOST_LOW_BITS = (2, 0)
# Nonzero coefficients per block below which refining scans are not tried: of 96 files of Kodak
# photos none with fewer than 8 gained by them.
_REFINED_FROM = 8.0


@dataclass(frozen=True, slots=True)
class Scan:
    """One scan as its header states it (T.81 B.2.3)."""

    components: tuple[int, ...]
    """Indices into the frame's components."""
    band: tuple[int, int]
    """First and last zigzag position (Ss, Se)."""
    high_bit: int
    """Low bits that the scan before left out; 0 in a first scan (Ah)."""
    low_bit: int
    """Low bits that this scan leaves out (Al)."""


@dataclass(frozen=True, slots=True)
class CodedScan:
    """A scan, its tokens and their Huffman tables."""

    scan: Scan
    tokens: NDArray[np.int32]
    tables: list[HuffmanTable]
    bits: int
    """Length of the entropy-coded segment, before the last byte is filled and bytes are stuffed."""

    @property
    def header_bytes(self) -> int:
        """Bytes of the DHT and SOS segments."""
        tables = sum(17 + table.symbols.size for table in self.tables)
        return 4 + tables + 8 + 2 * len(self.scan.components)


def code_scans(
    components: Sequence[Component], qcoefs: Sequence[NDArray[np.int16]]
) -> list[CodedScan]:
    """Return the scans that hold `qcoefs` in the fewest bytes, coarse before fine."""
    first: list[CodedScan] = []
    refining: list[CodedScan] = []
    for i, (component, stored) in enumerate(zip(components, qcoefs, strict=True)):
        for coded in _code_ac(i, component.kind, list_nonzeros(component, stored)):
            (refining if coded.scan.high_bit else first).append(coded)
    first.sort(key=lambda coded: (coded.scan.band[0], coded.scan.components))
    refining.sort(key=lambda coded: -coded.scan.low_bit)
    return [*_code_dc(components, qcoefs), *first, *refining]


def _code_dc(
    components: Sequence[Component], qcoefs: Sequence[NDArray[np.int16]]
) -> list[CodedScan]:
    """Return all DC coefficients in one scan, or luma's alone before chroma's.

    Alone, luma's are coded row by row rather than MCU by MCU, and each after a nearer neighbour.
    """

    def code(*indices: int) -> CodedScan:
        tokens = list_dc([components[i] for i in indices], [qcoefs[i] for i in indices])
        kinds = len({components[i].kind for i in indices})
        return _code_tokens(Scan(indices, (0, 0), 0, 0), tokens, kinds)

    together = [code(*range(len(components)))]
    if len(components) == 1:
        return together
    apart = [code(0), code(*range(1, len(components)))]
    return min(together, apart, key=_total_bits)


def _code_ac(index: int, kind: int, nonzeros: Nonzeros) -> list[CodedScan]:
    """Return the AC scans of the component `index`."""
    refining: list[CodedScan] = []
    least, bands = divide_spectrum(price_bands(nonzeros, 0), _MOST_BANDS[kind])
    is_dense = nonzeros.values.size >= _REFINED_FROM * (nonzeros.starts.size - 1)
    for low_bit in range(1, _MOST_LOW_BITS[kind] + 1 if is_dense else 1):
        bits, finer_bands = divide_spectrum(price_bands(nonzeros, low_bit), _MOST_BANDS[kind])
        scan = Scan((index,), (1, 63), low_bit, low_bit - 1)
        refinement = _code_tokens(scan, list_refinement(nonzeros, low_bit - 1), 1)
        bits += _total_bits([*refining, refinement])
        if bits >= least:
            break
        least, bands = bits, finer_bands
        refining.append(refinement)
    left_out = len(refining)
    first = [
        _code_tokens(Scan((index,), band, 0, left_out), list_first(nonzeros, band, left_out), 1)
        for band in bands
    ]
    return [*first, *refining]


def _code_tokens(scan: Scan, tokens: NDArray[np.int32], table_count: int) -> CodedScan:
    counts, bits = count_tokens(tokens, table_count)
    tables = [build_table(symbols) for symbols in counts]
    for symbols, table in zip(counts, tables, strict=True):
        bits += int(symbols @ table.lengths)
    return CodedScan(scan, tokens, tables, bits)


def _total_bits(scans: Sequence[CodedScan]) -> int:
    return sum(coded.bits + 8 * coded.header_bytes for coded in scans)
