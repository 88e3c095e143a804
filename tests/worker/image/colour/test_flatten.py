"""Samples end in 8 bits, on white."""

import numpy as np
import pytest

from worker.image.colour.flatten import flatten, to_8_bits, to_16_bits, to_integers, unmultiply


def test_floats_are_clipped() -> None:
    values = np.array([-1, 0, 0.5, 1, 7, np.nan, np.inf, -np.inf], np.float32)
    assert to_integers(values).tolist() == [0, 0, 32_768, 65_535, 65_535, 0, 65_535, 0]


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_integers_stay_as_they_are(kind: type) -> None:
    values = np.arange(10, dtype=kind)
    assert to_integers(values) is values


def test_every_level_of_16_bits_is_rounded_to_8() -> None:
    levels = np.arange(65_536, dtype=np.uint16)
    assert np.array_equal(to_8_bits(levels), np.rint(levels / 257))


def test_8_bits_survive_16() -> None:
    levels = np.arange(256, dtype=np.uint8)
    assert to_16_bits(levels)[[0, 1, 255]].tolist() == [0, 257, 65_535]
    assert np.array_equal(to_8_bits(to_16_bits(levels)), levels)
    assert to_8_bits(levels) is levels


@pytest.mark.parametrize(("kind", "full"), [(np.uint8, 255), (np.uint16, 65_535)])
def test_transparency_shows_white(kind: type, full: int) -> None:
    rng = np.random.default_rng(0)
    values = rng.integers(0, full + 1, (16, 16, 3)).astype(kind)
    alpha = rng.integers(0, full + 1, (16, 16)).astype(kind)
    alpha[0], alpha[1] = 0, full
    shares = alpha[..., None] / full
    expected = 255 * (values / full * shares + 1 - shares)
    assert np.abs(flatten(values, alpha) - expected).max() < 0.501
    assert (flatten(values, alpha)[0] == 255).all()
    assert np.array_equal(flatten(values, alpha)[1], to_8_bits(values)[1])


def test_depths_of_samples_and_alpha_may_differ() -> None:
    values = np.full((1, 1, 1), 32_768, np.uint16)
    assert flatten(values, np.full((1, 1), 255, np.uint8)).tolist() == [[[128]]]


@pytest.mark.parametrize(("kind", "full"), [(np.uint8, 255), (np.uint16, 65_535)])
def test_multiplied_samples_are_divided_by_alpha(kind: type, full: int) -> None:
    alpha = np.array([[full, full // 2, full // 2, 0]], kind)
    values = np.array([[[full // 3], [full // 4], [full], [full]]], kind)
    divided = unmultiply(values, alpha)[0, :, 0] / 65_535
    # Samples above alpha are as much as there is.
    assert np.abs(divided - [1 / 3, 0.5, 1, 1]).max() < 2 / full
