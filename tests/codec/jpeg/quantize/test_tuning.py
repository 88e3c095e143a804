import itertools
from dataclasses import asdict, replace
from typing import get_args

import pytest

from codec.jpeg.quantize.tuning import DEFAULT_STRENGTH, FAMILIES, choose_tuning
from codec.settings import Tune

TUNES = pytest.mark.parametrize("tune", get_args(Tune))


@TUNES
def test_strength_zero_is_the_default_without_saliency(tune: Tune) -> None:
    assert choose_tuning(tune, 0.0) == replace(FAMILIES[tune].default, saliency_ratio=1.0)


@TUNES
def test_the_fitted_strengths_give_the_fitted_constants(tune: Tune) -> None:
    assert choose_tuning(tune, DEFAULT_STRENGTH) == FAMILIES[tune].default
    full, fitted = asdict(choose_tuning(tune, 1.0)), asdict(FAMILIES[tune].full)
    for name in ("luma", "cb", "cr"):
        assert full.pop(name) == pytest.approx(fitted.pop(name))
    assert full == pytest.approx(fitted)


@TUNES
def test_the_ratio_grows_with_strength_without_jumps(tune: Tune) -> None:
    ratios = [choose_tuning(tune, i / 100).saliency_ratio for i in range(101)]
    assert ratios == sorted(ratios)
    assert max(b / a for a, b in itertools.pairwise(ratios)) < 1.1


def test_the_families_differ() -> None:
    assert choose_tuning("perceptual", 0.6) != choose_tuning("psnr", 0.6)


@TUNES
def test_activity_of_luma_has_a_say_by_default(tune: Tune) -> None:
    assert FAMILIES[tune].default.masking > 0.05
