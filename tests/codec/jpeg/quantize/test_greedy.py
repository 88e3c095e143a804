import numpy as np

from codec.jpeg.quantize.greedy import quantize_ac_greedily, quantize_dc_greedily
from codec.jpeg.quantize.rdoq import count_ac_symbols, quantize_ac
from codec.jpeg.syntax.symbols import SIZES

RATES = np.full(256, 4.0, np.float32)


def quantize(coefs: np.ndarray, worth: float, *, greedy: bool) -> tuple[np.ndarray, np.ndarray]:
    qcoefs = np.zeros(coefs.shape, np.int16)
    counts = np.zeros(256, np.int64)
    weights = np.ones(coefs.shape[:2], np.float32)
    steps = (np.full(64, 0.1, np.float32), np.full(64, worth, np.float32))
    if greedy:
        quantize_ac_greedily(coefs, weights, *steps, RATES, qcoefs, counts)
    else:
        quantize_ac(coefs, weights, *steps, RATES, 1, qcoefs, counts)
    return qcoefs, counts


def test_counts_are_those_of_the_qcoefs() -> None:
    coefs = np.random.default_rng(1).laplace(0, 12, (5, 6, 64)).astype(np.float32)
    qcoefs, counts = quantize(coefs, 4.0, greedy=True)
    expected = np.zeros(256, np.int64)
    count_ac_symbols(qcoefs, 1, 1, expected)
    assert np.array_equal(counts, expected)


def test_values_are_nearly_rounded_if_errors_are_worth_many_bits() -> None:
    coefs = np.random.default_rng(2).normal(0, 40, (3, 3, 64)).astype(np.float32)
    qcoefs, _ = quantize(coefs, 1e6, greedy=True)
    plain = np.rint(coefs * np.float32(0.1))
    assert (np.abs(qcoefs - plain)[..., 1:] <= 1).all()
    assert (qcoefs[..., 1:] == plain[..., 1:]).mean() > 0.99


def test_about_as_many_values_are_kept_as_by_the_trellis() -> None:
    coefs = np.random.default_rng(3).laplace(0, 8, (40, 40, 64)).astype(np.float32)
    greedy, _ = quantize(coefs, 8.0, greedy=True)
    trellis, _ = quantize(coefs, 8.0, greedy=False)
    kept = np.count_nonzero(trellis[..., 1:])
    assert kept > 1000
    assert abs(np.count_nonzero(greedy[..., 1:]) / kept - 1) < 0.15


def test_dc_differences_are_those_to_the_block_before() -> None:
    coefs = np.zeros((1, 3, 64), np.float32)
    coefs[0, :, 0] = (100.0, 42.0, -37.0)
    before = np.array([0.0, 100.0, 45.0], np.float32)
    qcoefs = np.zeros((1, 3, 64), np.int16)
    counts = np.zeros(256, np.int64)
    quantize_dc_greedily(coefs, before, 10.0, qcoefs, counts)
    assert qcoefs[0, :, 0].tolist() == [10, 4, -4]
    sizes = SIZES[[10, 6, 8]].tolist()
    assert {size: int(counts[size]) for size in set(sizes)} == {4: 2, 3: 1}
