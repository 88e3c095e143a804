"""Squared errors of the salient region and of the background: of a pass, of the reference.

Visible errors are weighted by the frequency of their coefficient, derived from Annex K, and by the
visibility of their block (`codec.jpeg.quantize.masking`). Plain errors have no weights: they are those of
samples, and they limit what the weights can hide. On a flat picture the reference's visible errors are
nearly all in flat blocks; without the limit, the same sum could be spent on a few edges.
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
    """Squared errors of an image's two regions; only ratios of them have a meaning."""

    salient: float
    """Visible errors of the salient region."""
    rest: float
    """Visible errors of the background."""
    plain_salient: float
    """Plain errors of the salient region."""
    plain_rest: float
    """Plain errors of the background."""

    def plus(self, other: "Errors", share: float = 1.0) -> "Errors":
        """Return these errors plus a `share` of the others."""
        return Errors(*(own + share * more for own, more in zip(self, other, strict=True)))


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
    """Add the errors of all blocks to `totals` (4,), in the order of `Errors`."""
    costs = np.empty(64, np.float32)
    squares = np.empty(64, np.float32)
    for by in range(coefs.shape[0]):
        for bx in range(coefs.shape[1]):
            if visibility[by, bx] == np.float32(0.0):  # outside the real blocks
                continue
            for k in range(64):
                difference = coefs[by, bx, k] - steps[k] * np.float32(qcoefs[by, bx, k])
                costs[k] = sensitivities[k] * difference * difference
                squares[k] = difference * difference
            error = sum_costs(costs) * visibility[by, bx]
            plain = sum_costs(squares)
            rest_share = np.float32(1.0) - salient_shares[by, bx]
            totals[0] += error * salient_shares[by, bx]
            totals[1] += error * rest_share
            totals[2] += plain * salient_shares[by, bx]
            totals[3] += plain * rest_share


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
    totals = np.zeros((len(components), 4))
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
    return _sum_components(components, totals)


def measure_reference_errors(components: Sequence[Component], quality: int) -> Errors:
    """Return the errors that the standard JPEG's tables at `quality` make on these components."""
    totals = np.zeros((len(components), 4))
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
    return _sum_components(components, totals)


def list_reference_steps(components: int, quality: int) -> list[NDArray[np.float32]]:
    """Return the steps (64,) zigzag of the standard JPEG for each of 1 or 3 components, Y first."""
    scale = np.float32(find_quality_scale(quality))
    annex_ks = (ANNEX_K_LUMA, ANNEX_K_CHROMA, ANNEX_K_CHROMA)[:components]
    return [round_table(annex_k * scale).astype(np.float32) for annex_k in annex_ks]


def _sum_components(components: Sequence[Component], totals: NDArray[np.float64]) -> Errors:
    """Return the sum of the components' errors (components, 4)."""
    luma = components[0]
    for component, own in zip(components, totals, strict=True):
        # A subsampled error is shown in several samples of the image.
        area = (luma.horizontal * luma.vertical) / (component.horizontal * component.vertical)
        own[2:] *= component.repeats * area
    return Errors(*(sum(errors) + LEAST_ERROR for errors in totals.T.tolist()))
