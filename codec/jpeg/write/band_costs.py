"""The bits of every candidate band of a first AC scan, from one pass over the coefficients.

A band consists of whole segments, which begin at a few fixed zigzag positions. The symbol of a
coefficient depends on the band only if the band begins between the coefficient and the nonzero one
before it. So symbols are counted by segment, those at the start of a band separately, and the counts of
a band are sums of these. EOB runs are counted for each band (T.81 G.1.2.2).
"""

import numpy as np
from numpy.typing import NDArray

from codec.jit import kernel
from codec.jpeg.syntax.symbols import SIZES, ZERO_RUN
from codec.jpeg.write.ac_scan import LONGEST_RUN
from codec.jpeg.write.nonzeros import Nonzeros

SEGMENT_STARTS = (1, 2, 3, 6, 13, 19)
"""First zigzag positions of the segments, chosen on 96 files of Kodak photos (docs/research/encoder.md)."""

_BOUNDS = np.array([*SEGMENT_STARTS, 64])
_SEGMENTS = len(SEGMENT_STARTS)
_SEGMENT_OF = np.searchsorted(_BOUNDS, np.arange(64), side="right") - 1
_SCAN_HEADER_BYTES = 10 + 21  # SOS, and DHT less its symbols


@kernel
def _count_symbols(  # noqa: C901, PLR0912, PLR0917 -- calls with arrays cost more than the work
    starts: NDArray[np.int32],
    positions: NDArray[np.uint8],
    values: NDArray[np.int16],
    low_bit: int,
    inner: NDArray[np.int64],
    cut: NDArray[np.int64],
    ends: NDArray[np.int64],
) -> None:
    """Count the symbols of all bands.

    inner[before, segment] (256,) counts the symbols of coefficients in `segment` whose preceding
    nonzero coefficient lies in the segment `before`. cut[first, segment] (256,) counts them for a
    band that begins with the segment `first`, in between. ends[first, last, n] counts EOBn in the
    band from segment `first` to `last`.
    """
    # First block of the current EOB run of each band.
    ended_from = np.zeros((_SEGMENTS, _SEGMENTS), np.int64)
    blocks = starts.size - 1
    for block in range(blocks):
        before, segment_before = 0, 0
        occupied, completed = 0, 0
        for i in range(starts[block], starts[block + 1]):
            magnitude = abs(int(values[i])) >> low_bit
            if magnitude == 0:
                continue
            k = int(positions[i])
            segment = _SEGMENT_OF[k]
            size = int(SIZES[magnitude])
            run = k - before - 1
            while run > 15:
                inner[segment_before, segment, ZERO_RUN] += 1
                run -= 16
            inner[segment_before, segment, run * 16 + size] += 1
            for first in range(segment_before + 1, segment + 1):
                run = k - _BOUNDS[first]
                while run > 15:
                    cut[first, segment, ZERO_RUN] += 1
                    run -= 16
                cut[first, segment, run * 16 + size] += 1
            before, segment_before = k, segment
            occupied |= 1 << segment
            if k == _BOUNDS[segment + 1] - 1:
                completed |= 1 << segment
        # A band has a coefficient in this block if it extends to the next occupied segment.
        reached = _SEGMENTS
        for first in range(_SEGMENTS - 1, -1, -1):
            if (occupied >> first) & 1:
                reached = first
            for last in range(reached, _SEGMENTS):
                if ended_from[first, last] < block:
                    _count_ends(block - ended_from[first, last], ends[first, last])
                ended_from[first, last] = block + ((completed >> last) & 1)
    for last in range(_SEGMENTS):
        for first in range(last + 1):
            _count_ends(blocks - ended_from[first, last], ends[first, last])


@kernel
def _count_ends(blocks: int, ends: NDArray[np.int64]) -> None:
    """Add the EOBn symbols of a run of `blocks` ended blocks to `ends` (15,)."""
    while blocks > 0:
        run = min(blocks, LONGEST_RUN)
        ends[SIZES[run] - 1] += 1
        blocks -= run


@kernel
def count_huffman_bits(counts: NDArray[np.int64]) -> int:
    """Return the bits of a Huffman code for `counts` and the reserved symbol (T.81 K.2).

    Code lengths are not limited. The algorithm merges two sorted queues, of symbols and of trees (van
    Leeuwen, "On the construction of Huffman trees", ICALP 1976).
    """
    queue = np.empty(counts.size + 1, np.int64)
    queue[0] = 1
    size = 1
    for count in counts:
        if count > 0:
            # Sorted by insertion: the symbols are few, and np.sort takes two seconds to compile.
            place = size
            while place > 0 and queue[place - 1] > count:
                queue[place] = queue[place - 1]
                place -= 1
            queue[place] = count
            size += 1
    merged = np.empty(size, np.int64)
    taken, merged_taken = 0, 0
    bits = 0
    for made in range(size - 1):
        total = 0
        for _ in range(2):
            from_queue = merged_taken == made or (
                taken < size and queue[taken] <= merged[merged_taken]
            )
            if from_queue:
                total += queue[taken]
                taken += 1
            else:
                total += merged[merged_taken]
                merged_taken += 1
        merged[made] = total
        bits += total
    return bits


@kernel
def _price_bands(
    inner: NDArray[np.int64], cut: NDArray[np.int64], ends: NDArray[np.int64], factor: float
) -> NDArray[np.int64]:
    """Return the bits of each band's scan with its headers, indexed [first segment, last segment]."""
    prices = np.zeros((_SEGMENTS, _SEGMENTS), np.int64)
    for first in range(_SEGMENTS):
        running = np.zeros(256, np.int64)
        for last in range(first, _SEGMENTS):
            if first > 0:
                running += cut[first, last]
            for segment in range(first, last + 1):
                running += inner[segment, last]
            counts = running.copy()
            for n in range(ends.shape[2]):
                counts[16 * n] += ends[first, last, n]
            bits = count_huffman_bits(counts)
            header = 8 * _SCAN_HEADER_BYTES
            for symbol in range(256):
                count = counts[symbol]
                if count > 0:
                    is_end = symbol & 15 == 0 and symbol != ZERO_RUN
                    bits += count * (symbol >> 4 if is_end else symbol & 15)
                    header += 8
            prices[first, last] = int(bits * factor) + header
    return prices


def price_bands(nonzeros: Nonzeros, low_bit: int, factor: float = 1.0) -> NDArray[np.int64]:
    """Return the bits of a first scan of each band, indexed [first segment, last segment].

    They include headers. `factor` is the number of blocks that one in `nonzeros` represents. At factor 1
    they are exact, except for the few bits that the limit of 16 bits per code adds.
    """
    inner = np.zeros((_SEGMENTS, _SEGMENTS, 256), np.int64)
    cut = np.zeros((_SEGMENTS, _SEGMENTS, 256), np.int64)
    ends = np.zeros((_SEGMENTS, _SEGMENTS, 15), np.int64)
    _count_symbols(nonzeros.starts, nonzeros.positions, nonzeros.values, low_bit, inner, cut, ends)
    return _price_bands(inner, cut, ends, factor)


def divide_spectrum(
    prices: NDArray[np.int64], most_bands: int
) -> tuple[int, list[tuple[int, int]]]:
    """Return the fewest bits for the positions 1 to 63 in up to `most_bands` bands, and those bands."""
    # best[n][s]: the fewest bits for the segments before s in n bands, and these bands.
    best: list[dict[int, tuple[int, list[tuple[int, int]]]]] = [{0: (0, [])}]
    for _ in range(most_bands):
        reached: dict[int, tuple[int, list[tuple[int, int]]]] = {}
        for start, (bits, bands) in best[-1].items():
            for end in range(start, _SEGMENTS):
                total = bits + int(prices[start, end])
                if end + 1 not in reached or total < reached[end + 1][0]:
                    band = (int(_BOUNDS[start]), int(_BOUNDS[end + 1]) - 1)
                    reached[end + 1] = (total, [*bands, band])
        best.append(reached)
    return min(found[_SEGMENTS] for found in best if _SEGMENTS in found)
