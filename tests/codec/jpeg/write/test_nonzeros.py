import numpy as np
import pytest

from codec.jpeg.quantize.rdoq import count_ac_symbols
from codec.jpeg.syntax.component import LUMA, Component
from codec.jpeg.write.nonzeros import Nonzeros, count_baseline_symbols, list_nonzeros

NONE = np.zeros((0, 0), np.float32)


def listed(density: float) -> tuple[np.ndarray, Nonzeros]:
    """Return qcoefs of 3 × 4 blocks, of which 2 × 3 are real, and their list."""
    rng = np.random.default_rng(0)
    qcoefs = rng.integers(-9, 10, (3, 4, 64)) * (rng.random((3, 4, 64)) < density)
    component = Component(LUMA, 1, 1, 2, 3, NONE, NONE, NONE, NONE)
    stored = qcoefs.astype(np.int16)
    return np.ascontiguousarray(stored[:2, :3]), list_nonzeros(component, stored)


@pytest.mark.parametrize("density", [0.0, 0.05, 0.5, 1.0])
def test_the_list_has_each_real_blocks_nonzero_ac_coefficients_in_order(density: float) -> None:
    real, nonzeros = listed(density)
    for i, block in enumerate(real.reshape(-1, 64)):
        own = slice(nonzeros.starts[i], nonzeros.starts[i + 1])
        positions = np.flatnonzero(block[1:]) + 1
        assert np.array_equal(nonzeros.positions[own], positions)
        assert np.array_equal(nonzeros.values[own], block[positions])


@pytest.mark.parametrize("density", [0.0, 0.05, 0.5, 1.0])
def test_baseline_symbols_are_counted_as_from_the_blocks(density: float) -> None:
    real, nonzeros = listed(density)
    expected, counts = np.zeros(256, np.int64), np.zeros(256, np.int64)
    count_ac_symbols(real, 1, 1, expected)
    count_baseline_symbols(nonzeros.starts, nonzeros.positions, nonzeros.values, counts)
    assert np.array_equal(counts, expected)
