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
def add_block_errors(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    block: NDArray[np.float32],
    stored: NDArray[np.int16],
    steps: NDArray[np.float32],
    sensitivities: NDArray[np.float32],
    visibility: np.float32,
    share: np.float32,
    totals: NDArray[np.float64],
) -> None:
    """Add the errors of a block with the values `stored` to `totals` (4,), in the order of `Errors`."""
    visible = np.float32(0.0)
    plain = np.float32(0.0)
    for k in range(64):
        difference = block[k] - steps[k] * np.float32(stored[k])
        square = difference * difference
        visible += square * sensitivities[k]
        plain += square
    visible *= visibility
    totals[0] += visible * share
    totals[1] += visible * (np.float32(1.0) - share)
    totals[2] += plain * share
    totals[3] += plain * (np.float32(1.0) - share)


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
    """Add the errors of all real blocks to `totals` (4,)."""
    for by in range(coefs.shape[0]):
        for bx in range(coefs.shape[1]):
            if visibility[by, bx] != np.float32(0.0):  # it is 0 outside the real blocks
                add_block_errors(
                    coefs[by, bx],
                    qcoefs[by, bx],
                    steps,
                    sensitivities,
                    visibility[by, bx],
                    salient_shares[by, bx],
                    totals,
                )


@kernel
def _add_rounding_errors(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    coefs: NDArray[np.float32],
    steps: NDArray[np.float32],
    inverse_steps: NDArray[np.float32],
    sensitivities: NDArray[np.float32],
    shares: NDArray[np.float32],
    visibility: NDArray[np.float32],
    totals: NDArray[np.float64],
) -> None:
    """Add the visible and plain errors of a region, with its coefficients rounded, to `totals` (2,)."""
    for by in range(coefs.shape[0]):
        for bx in range(coefs.shape[1]):
            if visibility[by, bx] == np.float32(0.0) or shares[by, bx] == np.float32(0.0):
                continue
            visible = np.float32(0.0)
            plain = np.float32(0.0)
            for k in range(64):
                coef = coefs[by, bx, k]
                difference = coef - steps[k] * np.rint(coef * inverse_steps[k])
                square = difference * difference
                visible += square * sensitivities[k]
                plain += square
            totals[0] += visible * visibility[by, bx] * shares[by, bx]
            totals[1] += plain * shares[by, bx]


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
    return sum_components(components, totals)


def measure_reference_errors(
    components: Sequence[Component], quality: int, least_quality: int
) -> Errors:
    """Return the errors of the standard JPEG's tables on these components.

    Those of the salient region are at `quality`, those of the rest at `least_quality`.
    """
    totals = np.zeros((len(components), 4))
    weights = list_frequency_weights(SENSITIVITIES, len(components))
    for region, own_quality in enumerate((quality, least_quality)):
        steps = list_reference_steps(len(components), own_quality)
        for i, component in enumerate(components):
            found = np.zeros(2)
            _add_rounding_errors(
                component.coefs,
                steps[i],
                np.float32(1.0) / steps[i],
                weights[i],
                np.float32(1.0) - component.salient_shares if region else component.salient_shares,
                component.visibility,
                found,
            )
            totals[i, region::2] = found
    return sum_components(components, totals)


def list_reference_steps(components: int, quality: int) -> list[NDArray[np.float32]]:
    """Return the steps (64,) zigzag of the standard JPEG for each of 1 or 3 components, Y first."""
    scale = np.float32(find_quality_scale(quality))
    annex_ks = (ANNEX_K_LUMA, ANNEX_K_CHROMA, ANNEX_K_CHROMA)[:components]
    return [round_table(annex_k * scale).astype(np.float32) for annex_k in annex_ks]


def sum_components(components: Sequence[Component], totals: NDArray[np.float64]) -> Errors:
    """Return the sum of the components' errors (components, 4), which is overwritten."""
    luma = components[0]
    for component, own in zip(components, totals, strict=True):
        # A subsampled error is shown in several samples of the image.
        area = (luma.horizontal * luma.vertical) / (component.horizontal * component.vertical)
        own[2:] *= component.repeats * area
    return Errors(*(sum(errors) + LEAST_ERROR for errors in totals.T.tolist()))
