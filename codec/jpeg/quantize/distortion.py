"""Weighted squared errors of the salient region and of the background: of a pass, of the reference.

Each squared error is multiplied by the weight of its coefficient's frequency, derived from Annex K,
and by the visibility of its block (`codec.jpeg.quantize.masking`).
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from codec.jit import inlined, kernel
from codec.jpeg.quantize.frequency_weights import list_frequency_weights
from codec.jpeg.quantize.tuning import Sensitivity
from codec.jpeg.syntax.component import Component
from codec.jpeg.syntax.tables import (
    ANNEX_K_CHROMA,
    ANNEX_K_LUMA,
    find_quality_scale,
    round_table,
)

# Of Y, Cb and Cr. `tilt` lies between 0 (plain squared error) and 1 (errors in steps of Annex K);
# `low` and `dc` add weight to errors that remain visible when the image is shown smaller. Chosen on 8
# photos of OSIE at half size, qualities 30 to 90: SSIMULACRA2 of the salient region exceeds the
# reference's by 0.4 to 0.8. With the tuning's sensitivities, which distribute bits, the difference is
# −1.0 to 1.4 (docs/research/encoder.md).
SENSITIVITIES: Final = (
    Sensitivity(weight=1.0, tilt=0.7, low=2.0, dc=0.0),
    Sensitivity(weight=1.0, tilt=1.0, low=0.5, dc=2.0),
    Sensitivity(weight=1.0, tilt=1.0, low=0.3, dc=1.0),
)
LEAST_ERROR: Final = 1e-3
"""Added to every error, so that the logarithm of a region without errors is finite."""


class Errors(NamedTuple):
    """Weighted squared errors of an image's two regions; only ratios of them have a meaning."""

    salient: float
    rest: float


@inlined
def measure_block(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    block: NDArray[np.float32],
    quantized: NDArray[np.int16],
    steps: NDArray[np.float32],
    sensitivities: NDArray[np.float32],
    visibility: np.float32,
    costs: NDArray[np.float32],
) -> np.float32:
    """Return the error of a quantized block (64,); `costs` (64,) is scratch memory."""
    for k in range(64):
        difference = block[k] - steps[k] * np.float32(quantized[k])
        costs[k] = sensitivities[k] * difference * difference
    return sum_costs(costs) * visibility


@inlined
def sum_costs(costs: NDArray[np.float32]) -> np.float32:
    """Return the sum of 64 costs and overwrite them.

    Halves are added pairwise: the order is the same for vector registers of any width.
    """
    for half in (32, 16, 8, 4):
        for k in range(half):
            costs[k] += costs[k + half]
    return costs[0] + costs[1] + (costs[2] + costs[3])  # type: ignore[no-any-return]


@kernel
def _add_errors(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    coefs: NDArray[np.float32],
    qcoefs: NDArray[np.int16],
    steps: NDArray[np.float32],
    sensitivities: NDArray[np.float32],
    salient_shares: NDArray[np.float32],
    visibility: NDArray[np.float32],
    totals: NDArray[np.float64],
) -> None:
    """Add the errors of all blocks to `totals` (2,): of the salient region, of the background."""
    costs = np.empty(64, np.float32)
    for by in range(coefs.shape[0]):
        for bx in range(coefs.shape[1]):
            error = measure_block(
                coefs[by, bx], qcoefs[by, bx], steps, sensitivities, visibility[by, bx], costs
            )
            totals[0] += error * salient_shares[by, bx]
            totals[1] += error * (np.float32(1.0) - salient_shares[by, bx])


@kernel
def _add_rounding_errors(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    coefs: NDArray[np.float32],
    steps: NDArray[np.float32],
    sensitivities: NDArray[np.float32],
    salient_shares: NDArray[np.float32],
    visibility: NDArray[np.float32],
    totals: NDArray[np.float64],
) -> None:
    """Add the errors of all blocks with their coefficients rounded, as `_add_errors` does."""
    inverse_steps = np.float32(1.0) / steps
    rounded = np.empty((1, coefs.shape[1], 64), np.int16)  # one row of blocks stays in the cache
    for by in range(coefs.shape[0]):
        for bx in range(coefs.shape[1]):
            for k in range(64):
                rounded[0, bx, k] = np.int16(np.rint(coefs[by, bx, k] * inverse_steps[k]))
        row = slice(by, by + 1)
        _add_errors(
            coefs[row],
            rounded,
            steps,
            sensitivities,
            salient_shares[row],
            visibility[row],
            totals,
        )


def measure_errors(
    components: Sequence[Component],
    quant_tables: Sequence[NDArray[np.uint16]],
    qcoefs: Sequence[NDArray[np.int16]],
) -> Errors:
    """Return the errors of `qcoefs`, each (blocks_y, blocks_x, 64), with the tables (64,), all zigzag."""
    totals = np.zeros((len(components), 2))
    weights = list_frequency_weights(SENSITIVITIES, len(components))
    for i, component in enumerate(components):
        _add_errors(
            component.coefs,
            qcoefs[i],
            quant_tables[i].astype(np.float32),
            weights[i],
            component.salient_shares,
            component.visibility,
            totals[i],
        )
    return _sum_components(totals)


def measure_reference_errors(components: Sequence[Component], quality: int) -> Errors:
    """Return the errors that the standard JPEG's tables at `quality` make on these components."""
    totals = np.zeros((len(components), 2))
    weights = list_frequency_weights(SENSITIVITIES, len(components))
    steps = list_reference_steps(len(components), quality)
    for i, component in enumerate(components):
        _add_rounding_errors(
            component.coefs,
            steps[i],
            weights[i],
            component.salient_shares,
            component.visibility,
            totals[i],
        )
    return _sum_components(totals)


def list_reference_steps(components: int, quality: int) -> list[NDArray[np.float32]]:
    """Return the steps (64,) zigzag of the standard JPEG for each of 1 or 3 components, Y first."""
    scale = np.float32(find_quality_scale(quality))
    annex_ks = (ANNEX_K_LUMA, ANNEX_K_CHROMA, ANNEX_K_CHROMA)[:components]
    return [round_table(annex_k * scale).astype(np.float32) for annex_k in annex_ks]


def _sum_components(totals: NDArray[np.float64]) -> Errors:
    """Return the sum of the components' errors (components, 2)."""
    salient, rest = (sum(errors) for errors in totals.T.tolist())
    return Errors(salient + LEAST_ERROR, rest + LEAST_ERROR)
