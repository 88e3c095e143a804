"""A code-block's weight is the mean over the pixels that it covers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.jpeg2000.block_weights import average_areas, weigh_blocks
from codec.jpeg2000.layout import plan_layout
from tests.codec.pictures import spot


@settings(deadline=None)
@given(
    st.tuples(st.integers(1, 12), st.integers(1, 12)),
    st.integers(0, 2**32 - 1),
    st.integers(1, 8),
)
def test_means_are_those_of_the_cells_drawn_as_pixels(
    shape: tuple[int, int], seed: int, scale: int
) -> None:
    rng = np.random.default_rng(seed)
    cells = rng.random(shape, np.float32)
    pixels = np.kron(cells, np.ones((scale, scale)))
    areas = []
    for _ in range(5):
        top, left = rng.integers(0, pixels.shape[0]), rng.integers(0, pixels.shape[1])
        areas.append(
            (
                top,
                rng.integers(top + 1, pixels.shape[0] + 1),
                left,
                rng.integers(left + 1, pixels.shape[1] + 1),
            )
        )
    expected = [pixels[a:b, c:d].mean() for a, b, c, d in areas]
    found = average_areas(cells, np.array(areas) / scale)
    assert found == pytest.approx(expected, rel=1e-6)


def test_blocks_of_fine_levels_follow_the_map_and_coarse_ones_are_near_the_mean() -> None:
    layout = plan_layout((600, 400), 3, 5, (5, 5))
    weights = weigh_blocks(layout, (600, 400), spot(20, 30), 12.0, (0.5, 0.95))
    assert weights.min() == pytest.approx(1.0, abs=0.01)
    assert weights.max() == pytest.approx(12.0, abs=0.1)
    finest, coarsest = weights[layout.levels == 1], weights[layout.levels == 5]
    assert np.ptp(finest) > 10
    assert np.ptp(coarsest) < 0.2  # one block covers the image, or nearly
    assert coarsest.mean() == pytest.approx(finest.mean(), rel=0.2)


def test_all_components_have_the_same_weights() -> None:
    layout = plan_layout((300, 200), 3, 3, (5, 5))
    weights = weigh_blocks(layout, (300, 200), spot(9, 9), 12.0, (0.5, 0.95))
    by_component = [weights[layout.components == component] for component in range(3)]
    assert np.array_equal(by_component[0], by_component[1])
    assert np.array_equal(by_component[0], by_component[2])


def test_without_a_map_all_blocks_weigh_the_same() -> None:
    layout = plan_layout((90, 50), 1, 2, (5, 5))
    assert np.all(weigh_blocks(layout, (90, 50), None, 12.0, (0.5, 0.95)) == 1)
