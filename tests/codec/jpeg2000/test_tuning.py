"""Strength moves the weights without a jump."""

import numpy as np
import pytest

from codec.jpeg2000.tuning import (
    BLOCK_PX,
    DEFAULT_RATIO,
    DEFAULT_STRENGTH,
    FULL_RATIO,
    LARGE_PX,
    SMALL_BLOCK_PX,
    choose_block_px,
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


def test_code_blocks_are_small_where_a_map_needs_them() -> None:
    assert choose_block_px(LARGE_PX - 1, has_map=True) == SMALL_BLOCK_PX
    assert choose_block_px(LARGE_PX, has_map=True) == BLOCK_PX
    assert choose_block_px(1, has_map=False) == BLOCK_PX
