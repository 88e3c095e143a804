import numpy as np
import pytest

from codec.saliency_weights import (
    pool_saliency,
    rank_blocks,
    rank_by_area,
    share_salient,
    weigh_saliency,
)
from tests.codec.pictures import spot

RISE = (0.4, 0.9)


def test_a_constant_map_gives_equal_weights() -> None:
    for level in (0.0, 0.3, 1.0):
        weights = weigh_saliency(
            rank_blocks(np.full((20, 30), level, np.float32), 12, 18), 10.0, RISE
        )
        assert np.ptp(weights) == 0


def test_weights_of_a_nearly_constant_map_are_nearly_equal() -> None:
    saliency = (0.5 + 1e-4 * np.random.default_rng(6).random((40, 40))).astype(np.float32)
    weights = weigh_saliency(rank_blocks(saliency, 20, 20), 10.0, RISE)
    assert weights.max() / weights.min() < 1.05


def test_a_small_object_has_the_full_ratio() -> None:
    saliency = np.zeros((60, 80), np.float32)
    saliency[20:32, 30:42] = 0.8
    weights = weigh_saliency(rank_blocks(saliency, 30, 40), 10.0, RISE)
    assert weights[13, 18] == pytest.approx(10)
    assert np.median(weights) < 1.5


def test_contrast_and_offset_of_the_map_do_not_matter() -> None:
    saliency = spot(60, 80)
    paler = (0.2 + 0.3 * saliency).astype(np.float32)
    assert np.allclose(
        weigh_saliency(rank_blocks(saliency, 30, 40), 10.0, RISE),
        weigh_saliency(rank_blocks(paler, 30, 40), 10.0, RISE),
        rtol=1e-3,
    )


def test_weights_climb_from_one_to_the_ratio_without_steps() -> None:
    weights = weigh_saliency(rank_blocks(spot(320, 416), 64, 96), 10.0, RISE)
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


def test_resampling_keeps_positions() -> None:
    saliency = np.zeros((40, 80), np.float32)
    saliency[:20, :20] = 1
    pooled = pool_saliency(saliency, 4, 8)
    assert pooled[0, 0] == pytest.approx(1)
    assert pooled[3, 7] == 0
    assert pooled.mean() == pytest.approx(saliency.mean(), abs=0.02)


def test_ranks_are_shares_of_the_area() -> None:
    ranks = rank_by_area(np.array([[0.1, 0.4], [0.2, 0.9]], np.float32))
    assert np.allclose(ranks, [[0.125, 0.625], [0.375, 1.0]])


@pytest.mark.parametrize("levels", [(0.0, 1.0), (0.3, 0.8)])
@pytest.mark.parametrize("grid", [(40, 60), (64, 96), (13, 21)])
@pytest.mark.parametrize("rows", [1, 20, 29, 39])
def test_equal_areas_on_top_are_salient_whatever_their_size(
    rows: int, grid: tuple[int, int], levels: tuple[float, float]
) -> None:
    saliency = np.full((40, 60), levels[0], np.float32)
    saliency[:rows] = levels[1]
    ranked = rank_blocks(saliency, *grid)
    shares, weights = share_salient(ranked), weigh_saliency(ranked, 10.0, RISE)
    # Away from the border, which is resampled.
    top, rest = np.s_[: max(rows * grid[0] // 40 - 1, 1)], np.s_[rows * grid[0] // 40 + 2 :]
    if rows > 1:
        assert (shares[top] == 1).all()
        assert weights[top] == pytest.approx(10)
    assert shares.max() == 1
    assert weights.max() == pytest.approx(10)
    # Rounding errors of resampling make no differences.
    assert np.unique(weights[rest]).size <= 1
    assert not shares[rest].any()


def test_the_salient_region_of_an_ordinary_map_is_a_quarter() -> None:
    shares = share_salient(rank_blocks(spot(40, 60), 64, 96))
    assert shares.mean() == pytest.approx(0.25, abs=0.01)


def test_of_a_constant_map_everything_is_salient() -> None:
    assert (share_salient(rank_blocks(np.full((4, 5), 0.3, np.float32), 9, 7)) == 1).all()
