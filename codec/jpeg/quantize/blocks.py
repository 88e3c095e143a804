"""The blocks of one image and their quantized coefficients, which each pass of the rate search replaces."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from codec.jpeg.quantize.block_sample import choose_lattice, quantize_sample
from codec.jpeg.quantize.distortion import (
    SENSITIVITIES,
    Errors,
    measure_errors,
    measure_reference_errors,
    sum_components,
)
from codec.jpeg.quantize.frequency_weights import list_frequency_weights
from codec.jpeg.quantize.rdoq import count_ac_symbols, quantize_ac, quantize_dc
from codec.jpeg.quantize.steps import Steps
from codec.jpeg.syntax.component import Component


class Counts(NamedTuple):
    """How often each symbol occurs: arrays (256,), indexed by component kind."""

    dc: list[NDArray[np.int64]]
    ac: list[NDArray[np.int64]]


class SampleResult(NamedTuple):
    """What a sampled pass finds."""

    counts: Counts
    sizes: list[int]
    """Number of blocks of each component in the sample."""
    errors: Errors
    """Of all blocks, estimated."""


class Blocks:
    """The blocks of one image, with the quantized coefficients of the latest pass.

    In all methods, `rates` are the bits (256,) of each AC symbol, indexed by component kind.
    """

    def __init__(self, components: Sequence[Component]) -> None:
        self.components = components
        self._qcoefs = _allocate_qcoefs(components)
        self._dc = [np.ascontiguousarray(component.coefs[..., 0]) for component in components]

    def quantize_sample(
        self, steps: Steps, rates: Sequence[NDArray[np.float32]], *, is_rough: bool = False
    ) -> SampleResult:
        """Quantize a sample of the blocks (`choose_lattice`); `read` does not return it."""
        counts = self._zero_counts()
        lattice = choose_lattice(self.components, is_rough=is_rough)
        sizes = []
        totals = np.zeros((len(self.components), 4))
        weights = list_frequency_weights(SENSITIVITIES, len(self.components))
        for i, component in enumerate(self.components):
            size = quantize_sample(
                component.coefs,
                component.block_weights,
                component.salient_shares,
                component.visibility,
                component.real_rows,
                component.real_columns,
                component.vertical,
                component.horizontal,
                lattice.stride,
                lattice.shift,
                steps.quant_tables[i].astype(np.float32),
                steps.distortion_scales[i],
                rates[component.kind],
                weights[i],
                counts.dc[component.kind],
                counts.ac[component.kind],
                totals[i],
            )
            sizes.append(size)
            totals[i] *= component.real_rows * component.real_columns / size
        return SampleResult(counts, sizes, sum_components(self.components, totals))

    def quantize(self, steps: Steps, rates: Sequence[NDArray[np.float32]]) -> Counts:
        """Quantize all blocks; return the counts of their symbols."""
        counts = self._zero_counts()
        for i, component in enumerate(self.components):
            quantize_dc(
                self._dc[i],
                float(steps.inverse[i][0]),
                component.real_rows,
                component.real_columns,
                component.vertical,
                component.horizontal,
                self._qcoefs[i],
                counts.dc[component.kind],
            )
            self._quantize_ac(i, steps, rates, 1, counts.ac[component.kind])
        return counts

    def adjust(
        self,
        steps: Steps,
        rates: Sequence[NDArray[np.float32]],
        stride: int,
        ac_counts: Sequence[NDArray[np.int64]],
    ) -> list[NDArray[np.int64]]:
        """Quantize the AC coefficients of every stride-th block again; return the new `ac_counts`."""
        adjusted = [own.copy() for own in ac_counts]
        for i, component in enumerate(self.components):
            count_ac_symbols(self._qcoefs[i], stride, -1, adjusted[component.kind])
            self._quantize_ac(i, steps, rates, stride, adjusted[component.kind])
        return adjusted

    def measure(self, quant_tables: Sequence[NDArray[np.uint16]]) -> Errors:
        """Return the errors of all blocks; `quant_tables` are those of their last pass."""
        return measure_errors(self.components, quant_tables, self._qcoefs)

    def measure_reference(self, quality: int, least_quality: int) -> Errors:
        """Return the errors of the standard JPEG on these blocks, as `measure_reference_errors` does."""
        return measure_reference_errors(self.components, quality, least_quality)

    def has_regions(self) -> tuple[bool, bool]:
        """Return whether blocks belong to the salient region, and whether blocks belong to the rest."""
        luma = self.components[0]
        real = luma.salient_shares[: luma.real_rows, : luma.real_columns]
        return bool(real.max() > 0), bool(real.min() < 1)

    def read(self) -> list[NDArray[np.int16]]:
        """Return the qcoefs (blocks_y, blocks_x, 64) of each component, zigzag.

        The next pass overwrites them.
        """
        return self._qcoefs

    def _zero_counts(self) -> Counts:
        kinds = range(max(component.kind for component in self.components) + 1)
        return Counts(*([np.zeros(256, np.int64) for _ in kinds] for _ in range(2)))

    def _quantize_ac(
        self,
        index: int,
        steps: Steps,
        rates: Sequence[NDArray[np.float32]],
        stride: int,
        counts: NDArray[np.int64],
    ) -> None:
        component = self.components[index]
        quantize_ac(
            component.coefs,
            component.block_weights,
            steps.inverse[index],
            steps.distortion_scales[index],
            rates[component.kind],
            stride,
            self._qcoefs[index],
            counts,
        )


def _allocate_qcoefs(components: Sequence[Component]) -> list[NDArray[np.int16]]:
    return [np.zeros(component.coefs.shape, np.int16) for component in components]
