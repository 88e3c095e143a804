import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from codec.jpeg.quantize.rdoq import quantize_ac, quantize_dc

ZEROS = np.zeros(256, np.float32)


def plain_bits(values: NDArray[np.int64], rates: NDArray[np.float32]) -> float:
    bits, run = 0.0, 0
    for value in values[1:].tolist():
        if value == 0:
            run += 1
            continue
        size = abs(value).bit_length()
        bits += rates[0xF0] * (run // 16) + rates[run % 16 * 16 + size] + size
        run = 0
    return bits + (rates[0] if run else 0.0)


def plain_cost(
    block: NDArray[np.float32],
    values: NDArray[np.int64],
    scales: NDArray[np.float32],
    rates: NDArray[np.float32],
) -> float:
    return float((scales[1:] * (block[1:] - values[1:]) ** 2).sum()) + plain_bits(values, rates)


def choose(
    block: NDArray[np.float32],
    scales: NDArray[np.float32],
    rates: NDArray[np.float32],
    weight: float = 1.0,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    qcoefs = np.full((1, 1, 64), 99, np.int16)
    counts = np.zeros(256, np.int64)
    weights = np.full((1, 1), weight, np.float32)
    steps = np.ones(64, np.float32)
    quantize_ac(block.reshape(1, 1, 64), weights, steps, scales, rates, 1, qcoefs, counts)
    assert qcoefs[0, 0, 0] == 99, "AC quantization must not change DC"
    return qcoefs[0, 0].astype(np.int64), counts


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 63), st.floats(-3.375, 3.375, width=32)), min_size=1, max_size=5
    ),
    st.floats(0.05, 30.0),
    st.integers(0, 2**32 - 1),
)
def test_no_combination_of_smaller_values_has_a_lower_cost(
    placed: list[tuple[int, float]], scale: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    block = np.zeros(64, np.float32)
    for position, value in placed:
        block[position] = value
    rates = rng.uniform(0.1, 16, 256).astype(np.float32)
    scales = (scale * rng.uniform(0.5, 2, 64)).astype(np.float32)
    chosen, _ = choose(block, scales, rates)
    positions = np.flatnonzero(block)
    best = np.inf
    for magnitudes in itertools.product(
        *(range(int(abs(block[k]) + np.float32(0.5)) + 1) for k in positions)
    ):
        values = np.zeros(64, np.int64)
        values[positions] = np.array(magnitudes) * np.sign(block[positions]).astype(np.int64)
        best = min(best, plain_cost(block, values, scales, rates))
    assert plain_cost(block, chosen, scales, rates) == pytest.approx(best, rel=1e-4, abs=1e-3)


def test_values_are_rounded_if_errors_are_worth_many_bits() -> None:
    block = np.random.default_rng(4).normal(0, 9, 64).astype(np.float32)
    chosen, _ = choose(block, np.full(64, 1e6, np.float32), np.full(256, 5, np.float32))
    assert np.array_equal(chosen[1:], np.sign(block[1:]) * np.floor(np.abs(block[1:]) + 0.5))


def test_a_block_without_weight_is_empty() -> None:
    block = np.full(64, 7.0, np.float32)
    chosen, counts = choose(block, np.ones(64, np.float32), np.ones(256, np.float32), weight=0.0)
    assert not chosen[1:].any()
    assert counts[0] == counts.sum() == 1


def test_more_weight_never_means_more_distortion() -> None:
    block = np.random.default_rng(5).normal(0, 3, 64).astype(np.float32)
    rates = np.full(256, 4, np.float32)
    errors = [
        float(((block - choose(block, np.ones(64, np.float32), rates, w)[0])[1:] ** 2).sum())
        for w in (0.1, 0.5, 1, 2, 8, 50)
    ]
    assert errors == sorted(errors, reverse=True)


def test_long_runs_are_counted_as_zrl_codes() -> None:
    block = np.zeros(64, np.float32)
    block[[1, 40, 63]] = 50
    _, counts = choose(block, np.full(64, 1e3, np.float32), np.ones(256, np.float32))
    assert counts[0xF0] == 2 + 1
    assert counts[0] == 0, "a value at the last position needs no end of block"
    assert counts.sum() == 3 + 3


def test_a_stride_leaves_the_other_blocks_alone() -> None:
    coefs = np.full((4, 8, 64), 3.0, np.float32)
    qcoefs = np.full((4, 8, 64), 99, np.int16)
    counts = np.zeros(256, np.int64)
    quantize_ac(
        coefs,
        np.ones((4, 8), np.float32),
        np.ones(64, np.float32),
        np.full(64, 1e3, np.float32),
        np.ones(256, np.float32),
        4,
        qcoefs,
        counts,
    )
    touched = (qcoefs[..., 1] != 99).sum(axis=1)
    assert touched.tolist() == [2, 2, 2, 2]


def test_dc_differences_follow_the_scan_and_are_0_in_padding() -> None:
    coefs = np.zeros((4, 4, 64), np.float32)
    coefs[..., 0] = np.arange(16).reshape(4, 4) * 10
    qcoefs = np.zeros((4, 4, 64), np.int16)
    counts = np.zeros(256, np.int64)
    quantize_dc(np.ascontiguousarray(coefs[..., 0]), 0.1, 3, 3, 2, 2, qcoefs, counts)
    # MCUs of 2×2 blocks; row 3 and column 3 are padding.
    assert qcoefs[..., 0].tolist() == [[0, 1, 2, 2], [4, 5, 6, 6], [8, 9, 10, 10], [9, 9, 10, 10]]
    scan = [0, 1, 4, 5, 2, 2, 6, 6, 8, 9, 9, 9, 10, 10, 10, 10]
    sizes = [abs(int(d)).bit_length() for d in np.diff([0, *scan])]
    assert counts[:12].tolist() == np.bincount(sizes, minlength=12).tolist()


def test_dc_is_rounded_to_the_nearest() -> None:
    coefs = np.zeros((1, 2, 64), np.float32)
    coefs[0, :, 0] = (-14.9, 15.1)
    qcoefs = np.zeros((1, 2, 64), np.int16)
    quantize_dc(
        np.ascontiguousarray(coefs[..., 0]), 0.1, 1, 2, 1, 1, qcoefs, np.zeros(256, np.int64)
    )
    assert qcoefs[0, :, 0].tolist() == [-1, 2]
