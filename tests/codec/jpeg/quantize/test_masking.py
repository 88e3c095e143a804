import numpy as np
import pytest

from codec.jpeg.quantize.masking import (
    measure_activity,
    normalize_weights,
    pool_saliency,
    rank_by_area,
    weigh_darkness,
    weigh_masking,
    weigh_saliency,
)
from codec.jpeg.transform.dct import transform
from tests.codec.pictures import photo, spot

RISE = (0.4, 0.9)


def test_a_constant_map_weighs_every_block_alike() -> None:
    for level in (0.0, 0.3, 1.0):
        weights = weigh_saliency(np.full((20, 30), level, np.float32), 12, 18, 10.0, RISE)
        assert np.ptp(weights) == 0


def test_noise_of_no_contrast_hardly_weighs() -> None:
    saliency = (0.5 + 1e-4 * np.random.default_rng(6).random((40, 40))).astype(np.float32)
    weights = weigh_saliency(saliency, 20, 20, 10.0, RISE)
    assert weights.max() / weights.min() < 1.05


def test_a_single_small_object_gets_the_whole_ratio() -> None:
    saliency = np.zeros((60, 80), np.float32)
    saliency[20:32, 30:42] = 0.8
    weights = weigh_saliency(saliency, 30, 40, 10.0, RISE)
    assert weights[13, 18] == pytest.approx(10)
    assert np.median(weights) < 1.5


def test_contrast_and_offset_of_the_map_do_not_matter() -> None:
    saliency = spot(60, 80)
    paler = (0.2 + 0.3 * saliency).astype(np.float32)
    assert np.allclose(
        weigh_saliency(saliency, 30, 40, 10.0, RISE),
        weigh_saliency(paler, 30, 40, 10.0, RISE),
        rtol=1e-3,
    )


def test_weights_climb_from_one_to_the_ratio_without_steps() -> None:
    weights = weigh_saliency(spot(320, 416), 64, 96, 10.0, RISE)
    assert weights.min() == pytest.approx(1.0)
    assert weights.max() == pytest.approx(10.0, rel=0.01)
    neighbours = np.abs(np.diff(np.log(weights), axis=0)).max()
    assert neighbours < 0.5


@pytest.mark.parametrize("shape", [(1, 1), (3, 500), (500, 3), (7, 9)])
def test_maps_of_any_size_are_resampled(shape: tuple[int, int]) -> None:
    saliency = np.random.default_rng(7).random(shape).astype(np.float32)
    pooled = pool_saliency(saliency, 5, 6)
    assert pooled.shape == (5, 6)
    assert saliency.min() - 1e-5 <= pooled.min() <= pooled.max() <= saliency.max() + 1e-5


def test_resampling_to_the_same_size_changes_nothing() -> None:
    saliency = np.random.default_rng(8).random((6, 9)).astype(np.float32)
    assert np.allclose(pool_saliency(saliency, 6, 9), saliency, atol=1e-6)


def test_resampling_keeps_places() -> None:
    saliency = np.zeros((40, 80), np.float32)
    saliency[:20, :20] = 1
    pooled = pool_saliency(saliency, 4, 8)
    assert pooled[0, 0] == pytest.approx(1)
    assert pooled[3, 7] == 0
    assert pooled.mean() == pytest.approx(saliency.mean(), abs=0.02)


def test_ranks_are_shares_of_the_area() -> None:
    ranks = rank_by_area(np.array([[0.1, 0.4], [0.2, 0.9]], np.float32))
    assert np.allclose(ranks, [[0.125, 0.625], [0.375, 0.875]])


def test_texture_counts_less_than_calm_and_an_edge_nearly_as_much() -> None:
    calm = np.zeros((8, 8), np.float32)
    edge = np.where(np.arange(8) < 4, -40, 40) * np.ones((8, 1))
    texture = np.random.default_rng(10).normal(0, 40, (8, 8))
    plane = np.hstack([calm, edge, texture]).astype(np.float32)
    weights = weigh_masking(measure_activity(plane, transform(plane)), 0.35, 50.0)[0]
    assert weights[0] == 1.0
    assert weights[0] > weights[1] > weights[2]


def test_no_masking_weighs_every_block_alike() -> None:
    plane = photo(16, 24)[..., 0].astype(np.float32)
    assert (weigh_masking(measure_activity(plane, transform(plane)), 0.0, 50.0) == 1).all()


def test_errors_count_more_in_the_dark_only() -> None:
    plane = np.repeat(np.array([0.0, 40.0, 255.0], np.float32), 8)[None] * np.ones(
        (8, 1), np.float32
    )
    black, dark, white = weigh_darkness(transform(plane - np.float32(128.0)), 2.0)[0]
    assert black == pytest.approx(3.0)
    assert 1.5 < dark < 2.5
    assert white == pytest.approx(1.0)


def test_normalized_weights_have_a_geometric_mean_of_one_and_padding_none() -> None:
    weights = np.random.default_rng(9).uniform(1, 9, (4, 6)).astype(np.float32)
    normalize_weights(weights, 3, 5)
    assert np.exp(np.log(weights[:3, :5]).mean()) == pytest.approx(1, rel=1e-5)
    assert not weights[3:].any()
    assert not weights[:, 5:].any()
