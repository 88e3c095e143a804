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

from codec.outline import outline_ac, outline_dc
from codec.passes import Point, choose_tables, frame_bytes, scale_steps
from codec.sample import Sample
from codec.trellis import END_OF_BLOCK, ZERO_RUN
from codec.tuning import Tuning

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
        outline_dc(component.coefs, before, float(quant_tables[i][0]), stored, dc_counts[kind])
        outline_ac(
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
