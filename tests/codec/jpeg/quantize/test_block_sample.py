import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from codec.jpeg.quantize.block_sample import LEAST_BLOCKS, choose_lattice, quantize_sample
from codec.jpeg.quantize.rdoq import quantize_ac
from codec.jpeg.syntax.component import LUMA, Component
from codec.jpeg.syntax.symbols import END_OF_BLOCK, SIZES, ZERO_RUN

NONE = np.zeros((0, 0), np.float32)
RATES = np.full(256, 4.0, np.float32)
ONES = np.ones(64, np.float32)
STEP = 10.0


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


def sample(
    coefs: NDArray[np.float32], worth: float, *, stride: int = 1, sampling: int = 1
) -> tuple[int, NDArray[np.int64], NDArray[np.int64], list[float]]:
    """Return the number of blocks, the symbol counts of DC and AC, and the errors."""
    weights = np.ones(coefs.shape[:2], np.float32)
    shares = np.full(coefs.shape[:2], 0.25, np.float32)
    dc, ac, totals = np.zeros(256, np.int64), np.zeros(256, np.int64), np.zeros(4)
    drawn = quantize_sample(
        *(coefs, weights, shares, weights, *coefs.shape[:2], sampling, sampling),
        *(stride, 0 if stride == 1 else 1, ONES * np.float32(STEP)),
        *(ONES * np.float32(worth), RATES, 2 * ONES, dc, ac, totals),
    )
    return drawn, dc, ac, totals.tolist()


def count_values(counts: NDArray[np.int64]) -> int:
    return int(counts.sum() - counts[END_OF_BLOCK] - counts[ZERO_RUN])


@pytest.mark.parametrize("worth", [1.0, 8.0, 1e6])
def test_blocks_are_quantized_as_in_a_full_pass(worth: float) -> None:
    coefs = np.random.default_rng(3).laplace(0, 8, (9, 12, 64)).astype(np.float32)
    *_, counts, errors = sample(coefs, worth)
    qcoefs, full = np.zeros(coefs.shape, np.int16), np.zeros(256, np.int64)
    weights, steps = np.ones((9, 12), np.float32), ONES / np.float32(STEP)
    quantize_ac(coefs, weights, steps, ONES * np.float32(worth), RATES, 1, qcoefs, full)
    assert count_values(full) > 100
    assert (counts == full).all()
    qcoefs[..., 0] = np.rint(coefs[..., 0] / STEP)
    assert sum(errors[2:]) == pytest.approx(np.square(coefs - STEP * qcoefs).sum(), rel=1e-5)


def test_only_the_blocks_of_the_lattice_are_quantized() -> None:
    coefs = np.zeros((4, 6, 64), np.float32)
    by, bx = np.mgrid[:4, :6]
    coefs[(bx - by) % 3 != 0, 1:] = 1000.0
    drawn, dc, ac, errors = sample(coefs, 8.0, stride=3)
    assert drawn == dc.sum() == ac[END_OF_BLOCK] == ac.sum() == 8
    assert errors == [0.0] * 4


def test_errors_are_split_by_the_blocks_shares() -> None:
    coefs = np.zeros((1, 1, 64), np.float32)
    coefs[0, 0, :2] = (13.0, 4.0)
    *_, errors = sample(coefs, 8.0)
    assert errors == pytest.approx([2 * 25.0 / 4, 2 * 25.0 * 3 / 4, 25.0 / 4, 25.0 * 3 / 4])


@pytest.mark.parametrize("sampling", [1, 2])
def test_dc_differences_are_those_of_the_interleaved_scan(sampling: int) -> None:
    coefs = np.zeros((6, 8, 64), np.float32)
    coefs[..., 0] = STEP * np.random.default_rng(1).permutation(48).reshape(6, 8)
    _, counts, *_ = sample(coefs, 8.0, sampling=sampling)
    order = [
        (mcu_y * sampling + part // sampling, mcu_x * sampling + part % sampling)
        for mcu_y in range(6 // sampling)
        for mcu_x in range(8 // sampling)
        for part in range(sampling**2)
    ]
    expected = np.zeros(256, np.int64)
    for before, block in itertools.pairwise(order):
        if block[1] >= sampling:
            expected[SIZES[abs(int((coefs[block][0] - coefs[before][0]) / STEP))]] += 1
    # A row's first MCU follows the end of the row above; there the sample uses another block.
    assert (counts >= expected * (sampling == 1)).all()
    assert counts.sum() == 48
    assert np.abs(counts - expected).sum() <= 6 * sampling**2 + 2
