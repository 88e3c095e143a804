from dataclasses import replace

import numpy as np
import pytest

from codec.jpeg.quantize.distortion import (
    LEAST_ERROR,
    SENSITIVITIES,
    list_reference_steps,
    measure_errors,
    measure_reference_errors,
)
from codec.jpeg.quantize.frequency_weights import list_frequency_weights
from codec.jpeg.syntax.component import CHROMA, LUMA, Component


def component(shares: float | None = None) -> Component:
    rng = np.random.default_rng(0)
    coefs = rng.normal(0, 30, (3, 4, 64)).astype(np.float32)
    salient = rng.random((3, 4)) if shares is None else np.full((3, 4), shares)
    visibility = rng.random((3, 4)).astype(np.float32)
    return Component(LUMA, 1, 1, 3, 4, coefs, visibility, salient.astype(np.float32), visibility)


def test_errors_are_weighted_squares_split_by_the_blocks_shares() -> None:
    own = component()
    table = np.full(64, 9, np.uint16)
    qcoefs = np.rint(own.coefs / 10).astype(np.int16)
    weights = list_frequency_weights(SENSITIVITIES, 1)[0].astype(np.float64)
    blocks = ((own.coefs - 9.0 * qcoefs) ** 2 * weights).sum(axis=2) * own.visibility
    found = measure_errors([own], [table], [qcoefs])
    assert found.salient == pytest.approx((blocks * own.salient_shares).sum(), rel=1e-4)
    assert found.rest == pytest.approx((blocks * (1 - own.salient_shares)).sum(), rel=1e-4)
    plain = ((own.coefs - 9.0 * qcoefs) ** 2).sum(axis=2)
    assert found.plain_salient == pytest.approx((plain * own.salient_shares).sum(), rel=1e-4)
    assert found.plain_rest == pytest.approx((plain * (1 - own.salient_shares)).sum(), rel=1e-4)


def test_plain_errors_of_subsampled_components_count_for_all_samples_that_show_them() -> None:
    luma = replace(component(1.0), horizontal=2, vertical=2)
    chroma = replace(component(1.0), kind=CHROMA)
    whole = measure_reference_errors([luma, chroma], 50, 50)
    alone = [measure_reference_errors([own], 50, 50) for own in (luma, chroma)]
    chroma_tables = measure_reference_errors([luma, chroma, chroma], 50, 50)
    once = (chroma_tables.plain_salient - whole.plain_salient) / 4
    assert whole.plain_salient == pytest.approx(alone[0].plain_salient + 4 * once, rel=1e-4)


def test_blocks_outside_the_image_have_no_errors() -> None:
    own = component()
    own.visibility[2:] = 0
    real = replace(
        own,
        coefs=own.coefs[:2],
        salient_shares=own.salient_shares[:2],
        visibility=own.visibility[:2],
    )
    assert measure_reference_errors([own], 50, 50) == measure_reference_errors([real], 50, 50)


@pytest.mark.parametrize("quality", [20, 75])
def test_the_references_errors_are_those_of_plain_rounding(quality: int) -> None:
    own = component()
    steps = list_reference_steps(1, quality)[0]
    qcoefs = np.rint(own.coefs / steps).astype(np.int16)
    plain = measure_errors([own], [steps.astype(np.uint16)], [qcoefs])
    found = measure_reference_errors([own], quality, quality)
    assert found.salient == pytest.approx(plain.salient, rel=1e-4)
    assert found.rest == pytest.approx(plain.rest, rel=1e-4)
    assert found.plain_rest == pytest.approx(plain.plain_rest, rel=1e-4)


def test_a_region_without_blocks_has_the_least_error() -> None:
    assert measure_reference_errors([component(1.0)], 50, 50).rest == LEAST_ERROR
    assert measure_reference_errors([component(0.0)], 50, 50).salient == LEAST_ERROR


def test_each_region_of_the_reference_has_its_own_quality() -> None:
    fine, coarse = (measure_reference_errors([component()], own, own) for own in (80, 40))
    both = measure_reference_errors([component()], 80, 40)
    assert (both.salient, both.plain_salient) == (fine.salient, fine.plain_salient)
    assert (both.rest, both.plain_rest) == (coarse.rest, coarse.plain_rest)


def test_the_references_errors_fall_with_quality() -> None:
    errors = [measure_reference_errors([component()], quality, quality) for quality in (30, 75, 95)]
    assert errors[0].salient > errors[1].salient > errors[2].salient
    assert errors[0].rest > errors[1].rest > errors[2].rest
