"""Where a picture's blocks are quantized, again and again until the rate search ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from codec.component import Component
from codec.fidelity import Errors


@dataclass(frozen=True, slots=True)
class Steps:
    """What coefficients are decided by; lists have an entry for each component."""

    quant_tables: list[NDArray[np.uint16]]
    """(64,) zigzag."""
    inverse: list[NDArray[np.float32]]
    """(64,) 1 / quant_table."""
    distortion_scales: list[NDArray[np.float32]]
    """(64,) bits that a squared error of one step is worth."""


class Counts(NamedTuple):
    """Symbols (256,) by kind."""

    dc: list[NDArray[np.int64]]
    ac: list[NDArray[np.int64]]


class Blocks(Protocol):
    """The blocks of one picture, and the qcoefs that the last call left."""

    @property
    def components(self) -> Sequence[Component]:
        """The picture's components."""

    @property
    def sampled(self) -> list[int]:
        """How many blocks of each component a sketch looks at."""

    def sketch(self, steps: Steps, rates: Sequence[NDArray[np.float32]]) -> Counts:
        """Quantize the sample by rule of thumb (`codec.outline`); return its symbols.

        `rates` are bits (256,) of the AC symbols by kind.
        """

    def quantize(self, steps: Steps, rates: Sequence[NDArray[np.float32]]) -> Counts:
        """Quantize all blocks; return their symbols."""

    def amend(
        self,
        steps: Steps,
        rates: Sequence[NDArray[np.float32]],
        stride: int,
        counts: Sequence[NDArray[np.int64]],
    ) -> list[NDArray[np.int64]]:
        """Decide the AC part of every stride-th block again; return what becomes of `counts`."""

    def measure(self, quant_tables: Sequence[NDArray[np.uint16]], *, sample: bool) -> Errors:
        """Return the errors of the sample's blocks, or of all, as last quantized with these tables."""

    def measure_reference(self, quality: int) -> Errors:
        """Return the errors of the standard JPEG at `quality`, on these blocks."""

    def read(self) -> list[NDArray[np.int16]]:
        """Return the qcoefs of each component: (blocks_y, blocks_x, 64) zigzag."""


class Quantizer(Protocol):
    """A place to quantize in; several threads may use it at once, each for one picture at a time."""

    def hold(self, shapes: Sequence[tuple[int, int]]) -> list[NDArray[np.float32]]:
        """Return arrays (blocks_y, blocks_x, 64) to fill with a picture's coefs, by component.

        They belong to the calling thread until it asks for others. Components that have them need
        not be copied by `open`.
        """

    def measure_activity(self, coefs: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """Return what each block can hide (`codec.weights`): (blocks_y, blocks_x) by component.

        `coefs` are what `hold` returned, filled.
        """

    def open(self, components: Sequence[Component], *, measured: bool) -> Blocks:
        """Return the blocks of a picture; `measured` says whether their errors will be asked for.

        The thread that opens them uses them, and opens no others before it has done with them.
        """
