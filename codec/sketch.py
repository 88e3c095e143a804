"""A pass in outline: what a step will take and leave, by a rule of thumb on a sample of the blocks.

Coefficients are decided one after the other, each by its own gain and bits; the trellis, which
decides those of a block together, keeps about as many. So a few sketches find the step, and the
symbol rates, from which one trellis pass ends near its goal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.kernel import kernel
from codec.passes import Point, choose_tables, frame_bytes, scale_steps
from codec.rdoq import END_OF_BLOCK, ZERO_RUN, list_candidates, tabulate_rates
from codec.sample import Sample
from codec.tokens import SIZES
from codec.tuning import Tuning

# What a value saves the next one by its shorter run, which its own bits don't show: with it, bytes
# of sketches are those of the trellis without a trend over quality.
_CREDIT_BITS: Final = np.float32(1.2)
# Bytes of a trellis pass over those of a sketch: 15 halved photos of OSIE at qualities 20 to 97 and
# strengths 0, 0.6 and 1, from which single ones deviate by 1 %.
_TRELLIS_SHARE: Final = 1.013
_APPENDED: Final = (np.arange(256) & 15).astype(np.float64)
_SCAN_HEADER_BYTES: Final = 12 + 4  # SOS, and DHT without its tables


@dataclass(frozen=True, slots=True)
class Sketch:
    """What a sketch found."""

    quant_tables: list[NDArray[np.uint16]]
    ac_counts: list[NDArray[np.int64]]
    """Of the sample's symbols, by kind."""
    file_bytes: float

    @property
    def luma_values(self) -> int:
        """Nonzero AC coefficients of the sample's luma."""
        counts = self.ac_counts[0]
        return int(counts.sum() - counts[END_OF_BLOCK] - counts[ZERO_RUN])


@kernel
def _sketch_ac(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    coefs: NDArray[np.float32],
    block_weights: NDArray[np.float32],
    inverse_steps: NDArray[np.float32],
    distortion_scales: NDArray[np.float32],
    rates: NDArray[np.float32],
    qcoefs: NDArray[np.int16],
    counts: NDArray[np.int64],
) -> None:
    """Fill the AC part of `qcoefs` and count symbols; the arguments are those of `quantize_ac`.

    A coefficient is rounded, or takes the largest value of one category less, and is kept where
    that gains more than its bits.
    """
    bits = tabulate_rates(rates)
    magnitudes = np.empty(64, np.float32)
    candidates = np.empty(64, np.uint8)
    for by in range(coefs.shape[0]):
        for bx in range(coefs.shape[1]):
            for k in range(64):
                magnitudes[k] = abs(coefs[by, bx, k]) * inverse_steps[k]
            qcoefs[by, bx, 1:] = 0
            weight = block_weights[by, bx]
            before = 0
            for i in range(list_candidates(magnitudes, candidates)):
                k = int(candidates[i])
                magnitude = magnitudes[k]
                scale = distortion_scales[k] * weight
                run = k - before - 1
                value = int(magnitude + np.float32(0.5))
                size = int(SIZES[value])
                error = magnitude - np.float32(value)
                gain = (magnitude * magnitude - error * error) * scale - bits[size, run]
                if size > 1:
                    smaller = (1 << (size - 1)) - 1
                    error = magnitude - np.float32(smaller)
                    other = (magnitude * magnitude - error * error) * scale - bits[size - 1, run]
                    if other > gain:
                        gain, value, size = other, smaller, size - 1
                if gain + _CREDIT_BITS > 0:
                    qcoefs[by, bx, k] = value if coefs[by, bx, k] > 0 else -value
                    counts[ZERO_RUN] += run >> 4
                    counts[(run & 15) * 16 + size] += 1
                    before = k
            if before < 63:
                counts[END_OF_BLOCK] += 1


@kernel
def _sketch_dc(
    coefs: NDArray[np.float32],
    before: NDArray[np.float32],
    step: float,
    qcoefs: NDArray[np.int16],
    counts: NDArray[np.int64],
) -> None:
    """Fill the DC part of `qcoefs` (1, n, 64) and count the categories of the differences."""
    for i in range(coefs.shape[1]):
        value = int(np.rint(coefs[0, i, 0] / step))
        qcoefs[0, i, 0] = value
        counts[SIZES[abs(value - int(np.rint(before[i] / step)))]] += 1


def run_sketch(
    sample: Sample,
    tuning: Tuning,
    point: Point,
    rates: Sequence[NDArray[np.float32]],
    qcoefs: Sequence[NDArray[np.int16]],
) -> Sketch:
    """Quantize the sample into `qcoefs` and estimate the bytes of the whole file."""
    kinds = max(component.kind for component in sample.components) + 1
    quant_tables = choose_tables(tuning, point.table_scale, sample.components)
    dc_counts = [np.zeros(256, np.int64) for _ in range(kinds)]
    ac_counts = [np.zeros(256, np.int64) for _ in range(kinds)]
    factors = dict.fromkeys(range(kinds), 1.0)
    scaled = scale_steps(tuning, quant_tables, point)
    for i, (component, before, factor, stored) in enumerate(
        zip(sample.components, sample.dc_before, sample.factors, qcoefs, strict=True)
    ):
        kind = component.kind
        factors[kind] = factor
        _sketch_dc(component.coefs, before, float(quant_tables[i][0]), stored, dc_counts[kind])
        _sketch_ac(
            component.coefs,
            component.block_weights,
            *scaled[i],
            rates[kind],
            stored,
            ac_counts[kind],
        )
    header = frame_bytes(sample.components) + _SCAN_HEADER_BYTES + 2 * len(sample.components)
    bits = 0.0
    for kind in range(kinds):
        for counts in (dc_counts[kind], ac_counts[kind]):
            own, symbols = _information(counts)
            bits += own * factors[kind]
            header += 17 + symbols
    return Sketch(quant_tables, ac_counts, header + bits / 8 * _TRELLIS_SHARE)


def _information(counts: NDArray[np.int64]) -> tuple[float, int]:
    """Return the information of the symbols with their appended bits, and how many there are."""
    found = counts[counts > 0].astype(np.float64)
    total = found.sum()
    bits = total * np.log2(total) - found @ np.log2(found) + counts @ _APPENDED
    return float(bits), found.size
