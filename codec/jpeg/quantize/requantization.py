"""Requantization of a JPEG's coefficients: which steps to use, and the errors they already have.

The coefficients are multiples of the source's own steps. A finer step codes them no better. A
slightly coarser one changes every value and saves almost no bits: runs and sizes stay the same.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.jit import kernel
from codec.jpeg.quantize.distortion import Errors, measure_errors
from codec.jpeg.syntax.component import Component

SNAP_RATIO: Final = 1.6
"""Wanted steps up to this multiple of the source's step become the source's step. Chosen on six photos of
OSIE at half size among 1.3 to 2.2 (docs/research/transcoding.md)."""


def snap_tables(
    tables: Sequence[NDArray[np.uint16]], components: Sequence[Component]
) -> list[NDArray[np.uint16]]:
    """Return the `tables` (64,) zigzag; steps near or below a source's step become that step."""
    return [
        table
        if component.steps is None
        else np.where(table <= component.steps * SNAP_RATIO, component.steps, table)
        for table, component in zip(tables, components, strict=True)
    ]


@kernel
def _count_nonzeros(coefs: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.int64]:
    """Return the number of blocks in which each coefficient is nonzero (64,)."""
    counts = np.zeros(64, np.int64)
    for by in range(rows):
        for bx in range(columns):
            for k in range(64):
                counts[k] += coefs[by, bx, k] != 0
    return counts


def estimate_noise(component: Component, steps: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Return the expected squared error (64,) of coefs that are multiples of `steps`.

    Errors of nonzero values are taken as uniform, with the mean q²/12. Values quantized to zero are
    taken as the centre of a Laplacian distribution, whose width follows from the share of zeros.
    """
    real = (component.real_rows, component.real_columns)
    share = _count_nonzeros(component.coefs, *real) / (real[0] * real[1])
    share = np.clip(share, 1e-6, 1.0 - 1e-6)
    half = steps.astype(np.float64) / 2
    scale = -half / np.log(share)
    within = 2 * scale**2 - share * (half**2 + 2 * scale * half + 2 * scale**2)
    noise: NDArray[np.float32] = (within + share * half**2 / 3).astype(np.float32)
    return noise


def measure_noise(components: Sequence[Component]) -> Errors:
    """Return the estimated errors of the source's quantization, weighted as by `measure_errors`.

    Components that were subsampled are left out, because their errors are unknown.
    """
    blocks = []
    for component in components:
        if component.steps is None:
            continue
        total = float(component.visibility.sum())
        salient = float((component.visibility * component.salient_shares).sum())
        blocks.append(
            replace(
                component,
                coefs=np.sqrt(estimate_noise(component, component.steps))[None, None],
                visibility=np.full((1, 1), total, np.float32),
                salient_shares=np.full((1, 1), salient / total, np.float32),
                repeats=float(component.real_rows * component.real_columns),
            )
        )
    zeros = [np.zeros((1, 1, 64), np.int16) for _ in blocks]
    tables = [np.ones(64, np.uint16) for _ in blocks]
    return measure_errors(blocks, tables, zeros)
