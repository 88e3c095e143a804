import numpy as np
import pytest

from model.maps import centre_gaussian, normalise, nss, smoothing_matrix


def test_smoothing_keeps_an_even_map_even() -> None:
    for samples in (12, 40, 200):
        assert smoothing_matrix(samples, 0.7).sum(1).tolist() == pytest.approx([1.0] * samples)


def test_smoothing_has_the_requested_deviation() -> None:
    axis = smoothing_matrix(60, 2.0)[:, 30]
    assert axis.argmax() == 30
    offsets = np.arange(60) - 30.0
    assert (axis * offsets).sum() == pytest.approx(0, abs=1e-4)
    assert np.sqrt((axis * offsets**2).sum()) == pytest.approx(2.0, abs=1e-3)


def test_smoothing_treats_both_ends_alike() -> None:
    matrix = smoothing_matrix(9, 1.0)
    assert np.allclose(matrix, matrix[::-1, ::-1])


def test_no_smoothing_changes_nothing() -> None:
    assert np.array_equal(smoothing_matrix(7, 0.0), np.eye(7))


def test_little_smoothing_changes_little() -> None:
    assert np.allclose(smoothing_matrix(7, 0.05), np.eye(7), atol=1e-7)


def test_an_axis_may_be_a_single_sample() -> None:
    assert smoothing_matrix(1, 0.5).tolist() == [[1.0]]


def test_a_map_is_scaled_to_a_maximum_of_one() -> None:
    assert normalise(np.float32([[1.0, 4.0]])).tolist() == [[0.25, 1.0]]


def test_an_empty_map_becomes_zeros_instead_of_amplified_noise() -> None:
    assert not normalise(np.zeros((4, 4), np.float32)).any()
    assert not normalise(np.full((4, 4), 1e-9, np.float32)).any()


def test_the_centre_gaussian_is_highest_in_the_middle_and_symmetric() -> None:
    weights = centre_gaussian(41, 61)
    assert weights.shape == (41, 61)
    assert weights[20, 30] == weights.max() == 1
    assert np.allclose(weights, weights[::-1])
    assert np.allclose(weights, weights[:, ::-1])
    assert weights[0, 0] < 0.1


def test_the_centre_gaussian_scales_with_the_sides() -> None:
    offset = 0.5 - 0.5 / 40
    assert centre_gaussian(40, 1)[0, 0] == pytest.approx(2.71828 ** (-0.5 * (offset / 0.3) ** 2))
    assert np.allclose(centre_gaussian(3, 7), centre_gaussian(7, 3).T)


def test_nss_is_the_mean_at_the_fixations_in_standard_deviations() -> None:
    saliency = np.arange(16, dtype=np.float32).reshape(4, 4)
    hottest = (np.array([3]), np.array([3]))
    found = nss(saliency, hottest)
    assert found == pytest.approx((15 - 7.5) / np.sqrt((16**2 - 1) / 12))
    assert nss(saliency * 3 + 1, hottest) == pytest.approx(found)
    # Values 3 and 12, whose mean is that of the map.
    assert nss(saliency, (np.array([0, 3]), np.array([3, 0]))) == pytest.approx(0, abs=1e-6)


def test_nss_of_a_uniform_map_is_zero() -> None:
    assert nss(np.ones((4, 4), np.float32), (np.array([1]), np.array([2]))) == 0
