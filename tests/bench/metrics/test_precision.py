"""Average precision and calibration, on small cases worked out by hand."""

import numpy as np
import pytest

from bench.metrics.precision import average_precision, calibration_error


def test_precision_is_averaged_over_the_positives() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.6])
    assert average_precision(scores, np.array([True, True, False, False])) == 1
    assert average_precision(scores, np.array([True, False, True, False])) == pytest.approx(
        (1 + 2 / 3) / 2
    )
    assert average_precision(scores, np.array([False, False, False, True])) == 0.25


def test_the_order_of_the_photos_makes_no_difference() -> None:
    random = np.random.default_rng(0)
    scores, truth = random.random(30), random.random(30) < 0.4
    order = random.permutation(30)
    assert average_precision(scores, truth) == average_precision(scores[order], truth[order])


def test_equal_scores_gain_nothing() -> None:
    assert average_precision(np.zeros(4), np.array([True, False, False, False])) == 0.25


def test_a_class_that_no_photo_shows_is_an_error() -> None:
    with pytest.raises(ValueError, match="no positive"):
        average_precision(np.ones(3), np.zeros(3, bool))


def test_calibration_compares_probability_and_frequency_in_bins() -> None:
    probabilities = np.array([0.05, 0.05, 0.95, 1.0])
    # The first bin promises 0.05 and keeps 0.5, the last one promises 0.975 and keeps 1.
    truth = np.array([True, False, True, True])
    expected = 0.5 * 0.45 + 0.5 * 0.025
    assert calibration_error(probabilities, truth) == pytest.approx(expected)
    assert calibration_error(np.array([0.0, 1.0]), np.array([False, True])) == 0
