import numpy as np
import pytest

from codec.jpeg.quantize.block_sample import LEAST_BLOCKS, choose_lattice
from codec.jpeg.syntax.component import LUMA, Component

NONE = np.zeros((0, 0), np.float32)


def make_component(rows: int, columns: int) -> Component:
    return Component(LUMA, 1, 1, rows, columns, np.zeros((0, 0, 64), np.float32), *[NONE] * 3)


def draw(rows: int, columns: int, *, is_rough: bool = False) -> np.ndarray:
    lattice = choose_lattice([make_component(rows, columns)], is_rough=is_rough)
    by, bx = np.mgrid[:rows, :columns]
    drawn: np.ndarray = (bx - by * lattice.shift) % lattice.stride == 0
    return drawn


@pytest.mark.parametrize("is_rough", [False, True])
def test_the_sample_of_a_small_image_has_all_blocks(is_rough: bool) -> None:
    assert draw(30, 90, is_rough=is_rough).all()


@pytest.mark.parametrize("sides", [(60, 60), (64, 96), (200, 150), (700, 900)])
def test_a_sample_has_its_size_and_a_rough_one_about_a_quarter(sides: tuple[int, int]) -> None:
    drawn, rough = draw(*sides).sum(), draw(*sides, is_rough=True).sum()
    assert LEAST_BLOCKS <= drawn < 2 * LEAST_BLOCKS or drawn > 600_000 / 34
    assert 0.19 < rough / drawn < 0.3


@pytest.mark.parametrize("is_rough", [False, True])
def test_a_sample_is_spread_evenly(is_rough: bool) -> None:
    for axis in (0, 1):
        # As many in every tenth of the rows, and of the columns.
        counts = draw(200, 150, is_rough=is_rough).sum(axis=1 - axis).reshape(10, -1).sum(1)
        assert counts.max() - counts.min() < 0.15 * counts.mean()
