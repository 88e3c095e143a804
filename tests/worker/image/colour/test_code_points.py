"""Code points of H.273 have their chromaticities and curves."""

import numpy as np
import pytest

from worker.image.colour.code_points import (
    CURVES,
    HLG,
    PQ,
    hlg_to_light,
    is_known,
    is_srgb,
    light_to_srgb,
    pq_to_light,
    srgb_to_light,
)
from worker.image.samples import Cicp


@pytest.mark.parametrize("cicp", [(1, 13), (1, 1), (2, 2), (1, 2), (2, 13), (1, 6)])
def test_what_counts_as_srgb(cicp: tuple[int, int]) -> None:
    assert is_known(Cicp(*cicp))
    assert is_srgb(Cicp(*cicp))


@pytest.mark.parametrize("cicp", [(12, 13), (9, 1), (1, 8), (1, 4), (9, 16), (1, 18), (5, 6)])
def test_what_is_known_and_not_srgb(cicp: tuple[int, int]) -> None:
    assert is_known(Cicp(*cicp))
    assert not is_srgb(Cicp(*cicp))


@pytest.mark.parametrize("cicp", [(0, 13), (3, 13), (13, 13), (255, 1), (1, 0), (1, 3), (1, 19)])
def test_reserved_code_points_are_unknown(cicp: tuple[int, int]) -> None:
    assert not is_known(Cicp(*cicp))
    assert not is_srgb(Cicp(*cicp))


@pytest.mark.parametrize("transfer", sorted(set(CURVES) - {PQ}))
def test_curves_go_from_black_to_white(transfer: int) -> None:
    light = CURVES[transfer](np.linspace(0, 1, 1_001))
    assert light[0] == pytest.approx(0, abs=1e-9)
    assert light[-1] == pytest.approx(1, abs=1e-6)
    assert np.diff(light).min() >= 0


def test_the_curves_of_srgb_are_inverse() -> None:
    samples = np.linspace(0, 1, 1_001)
    assert np.abs(light_to_srgb(srgb_to_light(samples)) - samples).max() < 1e-7
    # IEC 61966-2-1, table 1: 0.5 is 0.2140 of white.
    assert srgb_to_light(np.array([0.5]))[0] == pytest.approx(0.21404, abs=1e-5)


@pytest.mark.parametrize(
    ("transfer", "sample", "light"),
    [
        (4, 0.5, 0.5**2.2),
        (5, 0.5, 0.5**2.8),
        # SMPTE 240M: 1.1115 · L^0.45 − 0.1115 above 0.0228, 4 · L below.
        (7, 0.04, 0.01),
        (7, 1.1115 * 0.5**0.45 - 0.1115, 0.5),
        (8, 0.3, 0.3),
        # H.273, table 3: 1 + log10(L) / 2, and 1 + log10(L) / 2.5.
        (9, 0.5, 0.1),
        (10, 0.6, 0.1),
        # SMPTE ST 428-1: (48 · L / 52.37)^(1 / 2.6).
        (17, (48 * 0.5 / 52.37) ** (1 / 2.6), 0.5),
    ],
)
def test_curves_have_the_values_of_their_standard(
    transfer: int, sample: float, light: float
) -> None:
    assert CURVES[transfer](np.array([sample]))[0] == pytest.approx(light)


# BT.2408-7, table 1 and annex: the signals of some luminances.
@pytest.mark.parametrize(
    ("sample", "cd_m2"), [(0.508, 100), (0.58, 203), (0.752, 1_000), (1, 10_000)]
)
def test_pq_is_absolute(sample: float, cd_m2: float) -> None:
    assert pq_to_light(np.array([sample]))[0] * 203 == pytest.approx(cd_m2, rel=0.01)


@pytest.mark.parametrize(("sample", "light"), [(0, 0), (0.5, 1 / 12), (0.75, 0.26496), (1, 1)])
def test_hlg_is_relative(sample: float, light: float) -> None:
    assert hlg_to_light(np.array([sample]))[0] == pytest.approx(light, abs=1e-4)
    assert CURVES[HLG] is hlg_to_light
