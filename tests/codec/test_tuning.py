import itertools
from dataclasses import replace

import pytest

from codec.tuning import DEFAULT, DEFAULT_STRENGTH, FULL, tune


def test_strength_zero_is_the_default_without_saliency() -> None:
    assert tune(0.0) == replace(DEFAULT, saliency_ratio=1.0)


def test_the_fitted_strengths_give_the_fitted_constants() -> None:
    assert tune(DEFAULT_STRENGTH) == DEFAULT
    full = tune(1.0)
    assert full.saliency_ratio == pytest.approx(FULL.saliency_ratio)
    assert full.rd_lambda == pytest.approx(FULL.rd_lambda)
    assert full.rise == pytest.approx(FULL.rise)


def test_the_ratio_grows_with_strength_without_jumps() -> None:
    ratios = [tune(i / 100).saliency_ratio for i in range(101)]
    assert ratios == sorted(ratios)
    assert max(b / a for a, b in itertools.pairwise(ratios)) < 1.1
