"""Weighted squared errors of the salient region and of the rest, ours and the standard JPEG's.

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

# Of Y, Cb and Cr: between plain squared error and errors in steps of Annex K, with more weight for
# errors that remain visible when the image is shown smaller. The tuning's own sensitivities, which
# distribute bits, predict visible quality less evenly: with these, SSIMULACRA2 of the salient region
# is 0.4 to 0.8 above the reference's at qualities 30 to 90 (docs/codec.md), with the tuning's −1.0
# to 1.4.
SENSITIVITIES: Final = (
    Sensitivity(weight=1.0, tilt=0.7, low=2.0, dc=0.0),
    Sensitivity(weight=1.0, tilt=1.0, low=0.5, dc=2.0),
    Sensitivity(weight=1.0, tilt=1.0, low=0.3, dc=1.0),
)
LEAST_ERROR: Final = 1e-3
"""Added to every error, so that the logarithm of a region without errors is finite."""


class Errors(NamedTuple):
    """Weighted squared errors of an image's two regions; only their ratios have a meaning."""

    salient: float
    rest: float


@inlined
def measure_block(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    block: NDArray[np.float32],
    stored: NDArray[np.int16],
    steps: NDArray[np.float32],
    sensitivities: NDArray[np.float32],
    visibility: np.float32,
    costs: NDArray[np.float32],
) -> np.float32:
    """Return the error of a quantized block (64,); `costs` (64,) is scratch memory."""
    for k in range(64):
        difference = block[k] - steps[k] * np.float32(stored[k])
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
def _measure_blocks(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    coefs: NDArray[np.float32],
    qcoefs: NDArray[np.int16],
    steps: NDArray[np.float32],
    sensitivities: NDArray[np.float32],
    salient_shares: NDArray[np.float32],
    block_weights: NDArray[np.float32],
) -> tuple[float, float]:
    """Return the salient and the remaining error of all blocks."""
    costs = np.empty(64, np.float32)
    salient = 0.0
    rest = 0.0
    for by in range(coefs.shape[0]):
        for bx in range(coefs.shape[1]):
            error = measure_block(
                coefs[by, bx], qcoefs[by, bx], steps, sensitivities, block_weights[by, bx], costs
            )
            salient += error * salient_shares[by, bx]
            rest += error * (np.float32(1.0) - salient_shares[by, bx])
    return salient, rest


@inlined
def measure_rounding(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    block: NDArray[np.float32],
    steps: NDArray[np.float32],
    inverse_steps: NDArray[np.float32],
    sensitivities: NDArray[np.float32],
    visibility: np.float32,
    costs: NDArray[np.float32],
) -> np.float32:
    """Return the error of a block (64,) with every coefficient at the nearest multiple of its step."""
    for k in range(64):
        nearest = np.rint(block[k] * inverse_steps[k])
        difference = block[k] - steps[k] * nearest
        costs[k] = sensitivities[k] * difference * difference
    return sum_costs(costs) * visibility


@kernel
def _measure_reference_blocks(
    coefs: NDArray[np.float32],
    steps: NDArray[np.float32],
    sensitivities: NDArray[np.float32],
    salient_shares: NDArray[np.float32],
    block_weights: NDArray[np.float32],
) -> tuple[float, float]:
    """Return the salient and the remaining error of all blocks, with coefficients rounded."""
    inverse_steps = np.float32(1.0) / steps
    costs = np.empty(64, np.float32)
    salient = 0.0
    rest = 0.0
    for by in range(coefs.shape[0]):
        for bx in range(coefs.shape[1]):
            error = measure_rounding(
                coefs[by, bx], steps, inverse_steps, sensitivities, block_weights[by, bx], costs
            )
            salient += error * salient_shares[by, bx]
            rest += error * (np.float32(1.0) - salient_shares[by, bx])
    return salient, rest


def measure_errors(
    components: Sequence[Component],
    quant_tables: Sequence[NDArray[np.uint16]],
    qcoefs: Sequence[NDArray[np.int16]],
) -> Errors:
    """Return the errors of `qcoefs`, each (blocks_y, blocks_x, 64), with the tables (64,), all zigzag."""
    found = [
        _measure_blocks(
            component.coefs,
            own,
            table.astype(np.float32),
            sensitivities,
            component.salient_shares,
            component.visibility,
        )
        for component, own, table, sensitivities in zip(
            components,
            qcoefs,
            quant_tables,
            list_frequency_weights(SENSITIVITIES, len(components)),
            strict=True,
        )
    ]
    return _add_up(found)


def measure_reference_errors(components: Sequence[Component], quality: int) -> Errors:
    """Return the errors that the standard JPEG's tables at `quality` make on these components."""
    found = [
        _measure_reference_blocks(
            component.coefs,
            steps,
            sensitivities,
            component.salient_shares,
            component.visibility,
        )
        for component, steps, sensitivities in zip(
            components,
            list_reference_steps(len(components), quality),
            list_frequency_weights(SENSITIVITIES, len(components)),
            strict=True,
        )
    ]
    return _add_up(found)


def list_reference_steps(components: int, quality: int) -> list[NDArray[np.float32]]:
    """Return the steps (64,) zigzag of the standard JPEG for each of 1 or 3 components, Y first."""
    scale = np.float32(find_quality_scale(quality))
    annex_ks = (ANNEX_K_LUMA, ANNEX_K_CHROMA, ANNEX_K_CHROMA)[:components]
    return [round_table(annex_k * scale).astype(np.float32) for annex_k in annex_ks]


def _add_up(parts: Sequence[tuple[float, float]]) -> Errors:
    salient, rest = (sum(own) for own in zip(*parts, strict=True))
    return Errors(salient + LEAST_ERROR, rest + LEAST_ERROR)
