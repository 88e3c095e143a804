import itertools
from dataclasses import asdict, replace

import pytest

from codec.jpeg.quantize.tuning import DEFAULT, DEFAULT_STRENGTH, FULL, tune


def test_strength_zero_is_the_default_without_saliency() -> None:
    assert tune(0.0) == replace(DEFAULT, saliency_ratio=1.0)


def test_the_fitted_strengths_give_the_fitted_constants() -> None:
    assert tune(DEFAULT_STRENGTH) == DEFAULT
    full, fitted = asdict(tune(1.0)), asdict(FULL)
    for name in ("luma", "cb", "cr"):
        assert full.pop(name) == pytest.approx(fitted.pop(name))
    assert full == pytest.approx(fitted)


def test_the_ratio_grows_with_strength_without_jumps() -> None:
    ratios = [tune(i / 100).saliency_ratio for i in range(101)]
    assert ratios == sorted(ratios)
    assert max(b / a for a, b in itertools.pairwise(ratios)) < 1.1


def test_brightness_and_activity_of_luma_and_chroma_have_a_say_by_default() -> None:
    assert min(DEFAULT.darkness, DEFAULT.masking, DEFAULT.chroma_masking) > 0.05
