"""The choice of a progressive file's scans (T.81 G.1.1).

For each component, the bands and the number of low bits left to refining scans are those that take
the fewest bits. Another level of successive approximation is tried only if the previous one saved
bits. DC has no refining scans: on Kodak photos they took more bits at each of four qualities
(docs/research/encoder.md).
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from codec.jpeg.syntax.component import Component
from codec.jpeg.syntax.symbols import APPENDED_BITS
from codec.jpeg.write.band_costs import count_huffman_bits, divide_spectrum, price_bands
from codec.jpeg.write.coded_scan import (
    CodedScan,
    Scan,
    code_ac,
    code_dc,
    code_script,
    estimate_bits,
)
from codec.jpeg.write.nonzeros import Nonzeros, count_baseline_symbols, list_nonzeros

# By component kind. With two DC scans, there are at most 12 scans: decoders refuse files with many, and
# browsers draw each one.
_MOST_BANDS = (4, 2)
_MOST_LOW_BITS = (2, 0)
# Nonzero coefficients per block from which refining scans are tried: of 96 files of Kodak photos, none
# with fewer than 8 became smaller with them (docs/research/encoder.md).
_REFINED_FROM = 8.0
# Scans are chosen on rows of MCUs spread over the image, with about this many blocks of luma.
_SAMPLED_BLOCKS = 1500
_LEAST_ROWS = 8


def code_scans(
    components: Sequence[Component], qcoefs: Sequence[NDArray[np.int16]]
) -> list[CodedScan]:
    """Return the coded scans of the script that `choose_script` finds for `qcoefs`."""
    return code_script(choose_script(components, qcoefs), components, qcoefs)


def choose_script(
    components: Sequence[Component], qcoefs: Sequence[NDArray[np.int16]]
) -> list[Scan]:
    """Return the scans that take the fewest bytes, coarse before fine."""
    components, qcoefs, factor = _take_rows(components, qcoefs)
    lists = [list_nonzeros(own, stored) for own, stored in zip(components, qcoefs, strict=True)]
    first: list[Scan] = []
    refining: list[Scan] = []
    for i, (component, nonzeros) in enumerate(zip(components, lists, strict=True)):
        for scan in _choose_ac(i, component.kind, nonzeros, factor):
            (refining if scan.high_bit else first).append(scan)
    first.sort(key=lambda scan: (scan.band[0], scan.components))
    refining.sort(key=lambda scan: -scan.low_bit)
    return [*_choose_dc(components, qcoefs, factor), *first, *refining]


def measure_share(
    script: Sequence[Scan],
    components: Sequence[Component],
    qcoefs: Sequence[NDArray[np.int16]],
) -> float:
    """Return the bytes of these scans over those of a baseline scan, headers of scans included.

    It is exact except for byte stuffing if the image is small enough for all rows to be used.
    """
    components, qcoefs, factor = _take_rows(components, qcoefs)
    # A baseline scan has the DC symbols of a DC scan of all components.
    baseline_bits = estimate_bits([_code_dc_together(components, qcoefs)], factor)
    for kind in {component.kind for component in components}:
        counts = np.zeros(256, np.int64)
        for component, stored in zip(components, qcoefs, strict=True):
            if component.kind == kind:
                nonzeros = list_nonzeros(component, stored)
                count_baseline_symbols(nonzeros.starts, nonzeros.positions, nonzeros.values, counts)
        baseline_bits += factor * (count_huffman_bits(counts) + int(counts @ APPENDED_BITS))
        baseline_bits += 8 * (17 + int(np.count_nonzero(counts)))
    return estimate_bits(code_script(script, components, qcoefs), factor) / baseline_bits


def predict_share(baseline_bytes: float) -> float:
    """Return an estimate of the share that `measure_share` returns, from the bytes of the baseline scan.

    Progressive scans save 3 %, and have more headers. Fitted by least squares on 16 photos of OSIE at
    half size and on 12 lossless photos at three sizes, both sets with the same weight, at qualities 40 and
    75 and strengths 0 and 0.6 (standard deviation 0.010).
    """
    return 0.971 + 159.0 / baseline_bytes


def _take_rows(
    components: Sequence[Component], qcoefs: Sequence[NDArray[np.int16]]
) -> tuple[Sequence[Component], Sequence[NDArray[np.int16]], float]:
    """Return the components of some rows of MCUs, and the number of rows that each represents."""
    luma = components[0]
    by_blocks = luma.real_rows * luma.real_columns // _SAMPLED_BLOCKS
    whole_rows = min(component.real_rows // component.vertical for component in components)
    stride = min(by_blocks, whole_rows // _LEAST_ROWS)
    if stride < 2:
        return components, qcoefs, 1.0
    taken = np.arange(stride // 2, whole_rows, stride)
    own, stored = [], []
    for component, plane in zip(components, qcoefs, strict=True):
        rows = (taken[:, None] * component.vertical + np.arange(component.vertical)).ravel()
        own.append(replace(component, real_rows=rows.size))
        stored.append(plane[rows])
    return own, stored, luma.real_rows / luma.vertical / taken.size


def _code_dc_together(
    components: Sequence[Component], qcoefs: Sequence[NDArray[np.int16]]
) -> CodedScan:
    """Return the scan of all DC coefficients."""
    return code_dc(Scan(tuple(range(len(components))), (0, 0), 0, 0), components, qcoefs)


def _choose_dc(
    components: Sequence[Component], qcoefs: Sequence[NDArray[np.int16]], factor: float
) -> list[Scan]:
    """Return the best DC scans: one of all components, or one of luma and one of chroma.

    A scan of luma alone goes row by row, not MCU by MCU, so that differences are smaller.
    """
    together = _code_dc_together(components, qcoefs)
    if len(components) == 1:
        return [together.scan]
    apart = [
        code_dc(Scan(indices, (0, 0), 0, 0), components, qcoefs)
        for indices in ((0,), together.scan.components[1:])
    ]
    best = min(([together], apart), key=lambda scans: estimate_bits(scans, factor))
    return [coded.scan for coded in best]


def _choose_ac(index: int, kind: int, nonzeros: Nonzeros, factor: float) -> list[Scan]:
    """Return the AC scans of the component `index`."""
    refining: list[Scan] = []
    refining_bits = 0.0
    least: float
    least, bands = divide_spectrum(price_bands(nonzeros, 0, factor), _MOST_BANDS[kind])
    is_dense = nonzeros.values.size >= _REFINED_FROM * (nonzeros.starts.size - 1)
    for low_bit in range(1, _MOST_LOW_BITS[kind] + 1 if is_dense else 1):
        prices = price_bands(nonzeros, low_bit, factor)
        bits, finer_bands = divide_spectrum(prices, _MOST_BANDS[kind])
        scan = Scan((index,), (1, 63), low_bit, low_bit - 1)
        coded = code_ac(scan, nonzeros)
        refining_bits += estimate_bits([coded], factor)
        if bits + refining_bits >= least:
            break
        least, bands = bits + refining_bits, finer_bands
        refining.append(scan)
    return [*(Scan((index,), band, 0, len(refining)) for band in bands), *refining]
