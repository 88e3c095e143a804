"""The scans of a progressive file with their tokens and Huffman tables (T.81 G.1.1)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from codec.jpeg.syntax.component import Component
from codec.jpeg.syntax.huffman import HuffmanTable, build_table
from codec.jpeg.write.ac_scan import list_first, list_refinement
from codec.jpeg.write.dc_scan import list_dc
from codec.jpeg.write.nonzeros import Nonzeros, list_nonzeros
from codec.jpeg.write.tokens import count_tokens


@dataclass(frozen=True, slots=True)
class Scan:
    """One scan as its header states it (T.81 B.2.3)."""

    components: tuple[int, ...]
    """Indices into the frame's components."""
    band: tuple[int, int]
    """First and last zigzag position (Ss, Se)."""
    high_bit: int
    """Number of low bits that the previous scan of the band left out; 0 in a first scan (Ah)."""
    low_bit: int
    """Number of low bits that this scan leaves out (Al)."""


@dataclass(frozen=True, slots=True)
class CodedScan:
    """A scan, its tokens and their Huffman tables."""

    scan: Scan
    tokens: NDArray[np.int32]
    counts: list[NDArray[np.int64]]
    """(256,) symbol counts of each table."""
    appended: int
    """Number of bits that are not part of codes."""
    tables: list[HuffmanTable]
    is_table_inherited: bool = False
    """Whether the previous scan has the same table, so that no DHT is needed."""

    @property
    def bits(self) -> int:
        """Length of the entropy-coded segment before padding and byte stuffing."""
        pairs = zip(self.counts, self.tables, strict=True)
        return self.appended + sum(int(counts @ table.lengths) for counts, table in pairs)

    @property
    def header_bytes(self) -> int:
        """Bytes of the DHT and SOS segments."""
        dht = 4 + sum(17 + table.symbols.size for table in self.tables)
        return (0 if self.is_table_inherited else dht) + 8 + 2 * len(self.scan.components)


def code_script(
    script: Sequence[Scan], components: Sequence[Component], qcoefs: Sequence[NDArray[np.int16]]
) -> list[CodedScan]:
    """Return the coded scans of a script; two consecutive AC scans share a table where that is shorter."""
    lists: dict[int, Nonzeros] = {}
    coded: list[CodedScan] = []
    for scan in script:
        if scan.band[0] == 0:
            coded.append(code_dc(scan, components, qcoefs))
            continue
        (i,) = scan.components
        if i not in lists:
            lists[i] = list_nonzeros(components[i], qcoefs[i])
        coded.append(code_ac(scan, lists[i]))
        if len(coded) > 1:
            coded[-2:] = _share_table(coded[-2], coded[-1])
    return coded


def code_dc(
    scan: Scan, components: Sequence[Component], qcoefs: Sequence[NDArray[np.int16]]
) -> CodedScan:
    """Return a DC scan."""
    tokens = list_dc([components[i] for i in scan.components], [qcoefs[i] for i in scan.components])
    return _code_tokens(scan, tokens, len({components[i].kind for i in scan.components}))


def code_ac(scan: Scan, nonzeros: Nonzeros) -> CodedScan:
    """Return an AC scan of the blocks in `nonzeros`."""
    if scan.high_bit:
        return _code_tokens(scan, list_refinement(nonzeros, scan.low_bit), 1)
    return _code_tokens(scan, list_first(nonzeros, scan.band, scan.low_bit), 1)


def estimate_bits(scans: Sequence[CodedScan], factor: float = 1.0) -> float:
    """Return the bits of the scans, headers included; each block represents `factor` blocks."""
    return sum(coded.bits * factor + 8 * coded.header_bytes for coded in scans)


def _code_tokens(scan: Scan, tokens: NDArray[np.int32], table_count: int) -> CodedScan:
    counts, appended = count_tokens(tokens, table_count)
    return CodedScan(scan, tokens, counts, appended, [build_table(own) for own in counts])


def _share_table(before: CodedScan, after: CodedScan) -> list[CodedScan]:
    """Return both scans, with one table where that takes fewer bits, as often for Cb and Cr."""
    if before.scan.band[0] == 0 or before.is_table_inherited:
        return [before, after]
    table = build_table(before.counts[0] + after.counts[0])
    shared = [
        replace(before, tables=[table]),
        replace(after, tables=[table], is_table_inherited=True),
    ]
    return min([before, after], shared, key=estimate_bits)
