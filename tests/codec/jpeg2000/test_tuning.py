"""Strength moves the weights without a jump."""

import numpy as np
import pytest

from codec.jpeg2000.tuning import (
    DEFAULT_RATIO,
    DEFAULT_STRENGTH,
    FULL_RATIO,
    choose_weights,
)


def test_ratios_at_the_ends_and_the_default() -> None:
    assert choose_weights(0.0)[0] == 1
    assert choose_weights(DEFAULT_STRENGTH)[0] == pytest.approx(DEFAULT_RATIO)
    assert choose_weights(1.0)[0] == pytest.approx(FULL_RATIO)


def test_ratios_rise_evenly() -> None:
    ratios = np.log([choose_weights(strength)[0] for strength in np.linspace(0, 1, 101)])
    assert np.all(np.diff(ratios) > 0)
    assert np.diff(ratios).max() < 0.1
