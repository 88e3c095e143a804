"""Quantization on the core that asks for it."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from codec.component import Component
from codec.dc import quantize_dc
from codec.fidelity import Errors, measure_errors, measure_reference_errors
from codec.idct import restore
from codec.outline import outline_ac, outline_dc
from codec.quantizer import Counts, Steps
from codec.rdoq import discount_symbols, quantize_ac
from codec.sample import Sample, draw_sample
from codec.weights import measure_activity


class HostBlocks:
    """See `codec.quantizer.Blocks`."""

    def __init__(self, components: Sequence[Component]) -> None:
        self.components = components
        self._qcoefs = [np.zeros(c.coefs.shape, np.int16) for c in components]

    @cached_property
    def _sample(self) -> Sample:
        return draw_sample(self.components)

    @cached_property
    def _outline(self) -> list[NDArray[np.int16]]:
        return [np.zeros(c.coefs.shape, np.int16) for c in self._sample.components]

    @property
    def sampled(self) -> list[int]:
        """How many blocks of each component a sketch looks at."""
        return [component.coefs.shape[1] for component in self._sample.components]

    def sketch(self, steps: Steps, rates: Sequence[NDArray[np.float32]]) -> Counts:
        """Quantize the sample by rule of thumb; return its symbols."""
        counts = self._no_counts()
        sample = self._sample
        for i, (component, stored) in enumerate(zip(sample.components, self._outline, strict=True)):
            step = float(steps.quant_tables[i][0])
            own = counts.dc[component.kind]
            outline_dc(component.coefs, sample.dc_before[i], step, stored, own)
            outline_ac(
                component.coefs,
                component.block_weights,
                steps.inverse[i],
                steps.distortion_scales[i],
                rates[component.kind],
                stored,
                counts.ac[component.kind],
            )
        return counts

    def quantize(self, steps: Steps, rates: Sequence[NDArray[np.float32]]) -> Counts:
        """Quantize all blocks; return their symbols."""
        counts = self._no_counts()
        for i, (component, stored) in enumerate(zip(self.components, self._qcoefs, strict=True)):
            quantize_dc(
                component.coefs,
                int(steps.quant_tables[i][0]),
                component.real_rows,
                component.real_columns,
                component.vertical,
                component.horizontal,
                stored,
                counts.dc[component.kind],
            )
            self._decide(i, steps, rates, 1, counts.ac[component.kind])
        return counts

    def amend(
        self,
        steps: Steps,
        rates: Sequence[NDArray[np.float32]],
        stride: int,
        counts: Sequence[NDArray[np.int64]],
    ) -> list[NDArray[np.int64]]:
        """Decide the AC part of every stride-th block again; return what becomes of `counts`."""
        amended = [own.copy() for own in counts]
        for i, component in enumerate(self.components):
            discount_symbols(self._qcoefs[i], stride, amended[component.kind])
            self._decide(i, steps, rates, stride, amended[component.kind])
        return amended

    def measure(self, quant_tables: Sequence[NDArray[np.uint16]], *, sample: bool) -> Errors:
        """Return the errors of the sample's blocks, or of all, as last quantized."""
        if sample:
            return measure_errors(self._sample.components, quant_tables, self._outline, stride=1)
        return measure_errors(self.components, quant_tables, self._qcoefs, stride=1)

    def measure_reference(self, quality: int) -> Errors:
        """Return the errors of the standard JPEG at `quality`, on these blocks."""
        return measure_reference_errors(self.components, quality)

    def read(self) -> list[NDArray[np.int16]]:
        """Return the qcoefs of each component; the next call overwrites them."""
        return self._qcoefs

    def _no_counts(self) -> Counts:
        kinds = range(max(component.kind for component in self.components) + 1)
        return Counts(*([np.zeros(256, np.int64) for _ in kinds] for _ in range(2)))

    def _decide(
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


class HostQuantizer:
    """See `codec.quantizer.Quantizer`."""

    def hold(self, shapes: Sequence[tuple[int, int]]) -> list[NDArray[np.float32]]:
        """Return arrays to fill with a picture's coefs."""
        return [np.empty((*shape, 64), np.float32) for shape in shapes]

    def measure_activity(self, coefs: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """Return what each block can hide."""
        return [measure_activity(restore(own), own) for own in coefs]

    def open(self, components: Sequence[Component], *, measured: bool) -> HostBlocks:  # noqa: ARG002
        """Return the blocks of a picture."""
        return HostBlocks(components)


HOST = HostQuantizer()
