import math

import numpy as np
import pytest

from bench.metrics import gaze
from bench.metrics.gaze import Density, Fixations, Map


def at(*points_xy: tuple[float, float], shape: tuple[int, int]) -> Fixations:
    return gaze.locate_fixations(points_xy, shape)


def map_of(*rows: list[float]) -> Map:
    return np.array(rows, np.float32)


def density_of(*rows: list[float]) -> Density:
    return np.array(rows, np.float64)


def test_a_perfect_map_scores_highest_and_its_inverse_lowest() -> None:
    fixations = at((2, 1), (3, 1), shape=(10, 12))
    others = at((0, 0), (11, 9), shape=(10, 12))
    hit = np.zeros((10, 12), np.float32)
    hit[1, 2:4] = 1
    found = gaze.measure_map(hit, fixations, others)
    assert found["nss"] == pytest.approx((1 - 2 / 120) / np.sqrt(2 / 120 * 118 / 120), abs=1e-4)
    missed = gaze.measure_map(1 - hit, fixations, others)
    assert missed["nss"] == pytest.approx(-found["nss"], abs=1e-4)
    assert missed["cc"] == pytest.approx(-found["cc"], abs=1e-4)
    for name in ("auc_judd", "auc_shuffled", "captured_10", "captured_25", "captured_50"):
        assert found[name] == 1, name
        # In the inverse all other pixels are hotter than the fixated ones.
        assert missed[name] == 0, name


def test_a_uniform_map_scores_chance() -> None:
    fixations = at((0, 0), (5, 5), (9, 9), shape=(10, 10))
    others = at((0, 0), (3, 3), shape=(10, 10))
    for level in (0, 1):
        found = gaze.measure_map(np.full((10, 10), level, np.float32), fixations, others)
        assert (found["nss"], found["cc"]) == (0, 0)
        assert (found["auc_judd"], found["auc_shuffled"]) == (0.5, 0.5)
        assert [found[f"captured_{percent}"] for percent in (10, 25, 50)] == [0.1, 0.25, 0.5]


def test_without_other_photos_there_is_no_shuffled_auc() -> None:
    found = gaze.measure_map(map_of([0, 1], [0, 0]), at((1, 0), shape=(2, 2)))
    assert sorted(found) == sorted(set(gaze.MEASURES) - {"auc_shuffled"})


def test_the_area_under_the_curve_counts_ties_as_half() -> None:
    # Of 2 × 4 pairs: 3 exceeds all four; 1 exceeds one and ties with two.
    found = gaze.area_under_curve(np.array([3, 1]), np.array([0, 1, 1, 2]))
    assert found == (4 + 1 + 2 / 2) / 8


def test_a_map_of_the_centre_has_a_shuffled_auc_of_chance() -> None:
    fixations = at((1, 1), (2, 2), shape=(4, 4))
    centre = np.zeros((4, 4), np.float32)
    centre[1:3, 1:3] = 1
    found = gaze.measure_map(centre, fixations, at((2, 1), (1, 2), shape=(4, 4)))
    assert found["auc_judd"] > 0.9
    assert found["auc_shuffled"] == 0.5


def test_nss_equals_hand_computed_deviations() -> None:
    # Mean 1, variance 1.5: the peak is 2 / √1.5 above, and the zero 1 / √1.5 below.
    saliency = map_of([0, 1], [0, 3])
    assert gaze.nss(saliency, at((1, 1), shape=(2, 2))) == pytest.approx(2 / math.sqrt(1.5))
    both = at((1, 1), (0, 0), shape=(2, 2))
    assert gaze.nss(saliency, both) == pytest.approx(0.5 / math.sqrt(1.5))


def test_correlation_is_pearsons_coefficient() -> None:
    density = density_of([0.1, 0.2], [0.3, 0.4])
    assert gaze.correlation(map_of([1, 2], [3, 4]), density) == pytest.approx(1)
    assert gaze.correlation(map_of([4, 3], [2, 1]), density) == pytest.approx(-1)
    # Deviations (−1.5, −.5, .5, 1.5) and (−.5, .5, .5, −.5): their product is 0.
    assert gaze.correlation(map_of([0, 1], [1, 0]), density) == pytest.approx(0)
    assert gaze.correlation(map_of([1, 3], [2, 4]), density) == pytest.approx(0.8)


def test_divergence_is_that_of_the_map_from_the_density() -> None:
    density = density_of([0.5, 0.5], [0, 0])
    assert gaze.divergence(map_of([3, 3], [0, 0]), density) == pytest.approx(0, abs=1e-9)
    assert gaze.divergence(map_of([1, 1], [1, 1]), density) == pytest.approx(math.log(2))
    # ½ ln(½ / ¾) + ½ ln(½ / ¼)
    expected = 0.5 * math.log(2 / 3) + 0.5 * math.log(2)
    assert gaze.divergence(map_of([3, 1], [0, 0]), density) == pytest.approx(expected)
    inverted = gaze.divergence(map_of([0, 0], [1, 1]), density)
    assert inverted == pytest.approx(math.log(0.5 / gaze.EPSILON), rel=1e-6)


def test_similarity_is_the_common_mass() -> None:
    density = density_of([0.5, 0.5], [0, 0])
    assert gaze.similarity(map_of([2, 2], [0, 0]), density) == pytest.approx(1)
    assert gaze.similarity(map_of([1, 1], [1, 1]), density) == pytest.approx(0.5)
    assert gaze.similarity(map_of([3, 0], [1, 0]), density) == pytest.approx(0.5)
    assert gaze.similarity(map_of([0, 0], [1, 1]), density) == 0
    assert gaze.similarity(map_of([0, 0], [0, 0]), density) == pytest.approx(0.5)


def test_the_density_itself_is_the_best_map() -> None:
    fixations = at((20, 30), (70, 15), shape=(60, 80))
    density = gaze.fixation_density(fixations, (60, 80))
    found = gaze.measure_map(density.astype(np.float32), fixations)
    assert (found["cc"], found["sim"], found["kl"]) == (1, 1, 0)


def test_the_density_is_a_gaussian_of_the_given_width() -> None:
    density = gaze.fixation_density(at((100, 75), shape=(150, 200)), (150, 200))
    assert density.sum() == pytest.approx(1)
    sigma = gaze.DENSITY_SIGMA * 250
    assert density[75, 105] / density[75, 100] == pytest.approx(math.exp(-0.5 * (5 / sigma) ** 2))
    assert density[70, 100] == pytest.approx(density[75, 105])
    twice = gaze.fixation_density(at((100, 75), (100, 75), shape=(150, 200)), (150, 200))
    assert np.allclose(density, twice)


def test_tied_pixels_share_the_hottest_area() -> None:
    ramp = np.arange(20, dtype=np.float32).reshape(4, 5)
    assert np.flatnonzero(gaze.find_hottest(ramp, 0.25)).tolist() == [15, 16, 17, 18, 19]
    # 2.5 pixels are wanted: the peak whole, then 1.5 of three that are tied.
    tied = np.zeros((2, 5), np.float32)
    tied[0, 0], tied[1, 1:4] = 2, 1
    region = gaze.find_hottest(tied, 0.25)
    assert region[0, 0] == 1
    assert region[1, 1:4].tolist() == [0.5, 0.5, 0.5]
    for area in gaze.AREAS.values():
        assert gaze.find_hottest(tied, area).sum() == pytest.approx(area * 10)


def test_shuffled_fixations_are_scaled_from_other_photos_and_deterministic() -> None:
    recorded = {
        "own": {"width": 100, "height": 50, "fixations_xy": [[1, 1]]},
        "large": {"width": 200, "height": 200, "fixations_xy": [[100, 100], [199, 199]]},
        "silent": {"width": 9, "height": 9, "fixations_xy": []},
    }
    rows, columns = gaze.shuffle_fixations(recorded, "own") or ([], [])
    assert list(zip(rows, columns, strict=True)) == [(25, 50), (49, 99)]
    assert gaze.shuffle_fixations({"own": recorded["own"]}, "own") is None
    many = {
        f"{x:03}": {"width": 300, "height": 9, "fixations_xy": [[x, x % 9]]} for x in range(150)
    }
    drawn = gaze.shuffle_fixations(many, "007")
    again = gaze.shuffle_fixations(dict(reversed(many.items())), "007")
    assert drawn is not None
    assert again is not None
    assert len(drawn[1]) == gaze.OTHER_PHOTOS
    assert np.array_equal(drawn, again)
    assert 7 not in drawn[1]
