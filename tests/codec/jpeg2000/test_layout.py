"""The layout has the blocks that Annex B's formulas name, each once."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.jpeg2000.layout import COLUMNS, FIRST_BLOCK, FIRST_NODE, ROWS, plan_layout
from codec.jpeg2000.tag_tree import count_nodes

BANDS = [(1, 0), (0, 1), (1, 1)]


def subband(size: tuple[int, int], level: int, offset: tuple[int, int]) -> tuple[int, int]:
    """Return the samples of a subband across and down: equation B-15 for an image at the origin."""
    half = 2 ** (level - 1) if level else 0
    across, down = (
        max(math.ceil((side - half * part) / 2**level), 0)
        for side, part in zip(size, offset, strict=True)
    )
    return across, down


@settings(deadline=None)
@given(st.tuples(st.integers(1, 700), st.integers(1, 700)), st.integers(0, 5), st.integers(1, 3))
def test_each_subband_is_covered(size: tuple[int, int], levels: int, components: int) -> None:
    layout = plan_layout(size, components, levels, (5, 5))
    expected = []
    for resolution in range(levels + 1):
        level = levels - max(resolution - 1, 0)
        bands = BANDS if resolution else [(0, 0)]
        for _ in range(components):
            expected += [subband(size, level, offset) for offset in bands]
    found = [(math.ceil(across / 32), math.ceil(down / 32)) for across, down in expected]
    filled = [grid for grid in found if all(grid)]
    assert layout.grids[:, [COLUMNS, ROWS]].tolist() == [list(grid) for grid in filled]
    assert layout.blocks == sum(across * down for across, down in filled)
    assert len(layout.slots) == (levels + 1) * components
    assert layout.slots[0, 0] == 0
    assert layout.slots[-1, 1] == len(layout.grids)
    counts = layout.grids[:, ROWS] * layout.grids[:, COLUMNS]
    assert layout.grids[:, FIRST_BLOCK].tolist() == [0, *np.cumsum(counts)[:-1]]
    nodes = [count_nodes(rows, columns) for columns, rows in filled]
    assert layout.grids[:, FIRST_NODE].tolist() == [0, *np.cumsum(nodes)[:-1]]
    assert layout.nodes == sum(nodes)


@settings(deadline=None)
@given(st.tuples(st.integers(1, 300), st.integers(1, 300)), st.integers(0, 5))
def test_every_area_has_pixels_of_the_image(size: tuple[int, int], levels: int) -> None:
    layout = plan_layout(size, 1, levels, (5, 5))
    top, bottom, left, right = layout.areas.T
    assert np.all((top >= 0) & (top < bottom) & (bottom <= size[1]))
    assert np.all((left >= 0) & (left < right) & (right <= size[0]))


def test_areas_of_the_finest_level() -> None:
    layout = plan_layout((200, 100), 1, 1, (5, 5))
    finest = layout.areas[layout.levels == 1]
    assert finest[0].tolist() == [0, 64, 0, 64]
    assert [0, 64, 192, 200] in finest.tolist()
    assert [64, 100, 128, 192] in finest.tolist()


@pytest.mark.parametrize(("side", "precincts"), [(32768, 1), (32769, 2), (65500, 2)])
def test_a_side_above_32768_has_two_precincts_in_the_highest_resolution(
    side: int, precincts: int
) -> None:
    layout = plan_layout((side, 40), 1, 1, (5, 5))
    assert len(layout.slots) == 1 + precincts
    blocks = layout.grids[:, ROWS] * layout.grids[:, COLUMNS]
    assert blocks.sum() == layout.blocks
