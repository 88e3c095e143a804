import numpy as np
import pytest
from numba import njit
from numpy.typing import NDArray

from codec.jpeg.syntax.bit_mask import find_lowest_bit, mark_nonzero_ac


@njit
def list_positions(qcoefs: NDArray[np.int16]) -> list[int]:
    positions = []
    marked = mark_nonzero_ac(qcoefs)
    while marked != np.uint64(0):
        positions.append(find_lowest_bit(marked))
        marked &= marked - np.uint64(1)
    return positions


@pytest.mark.parametrize("expected", [[1], [63], [1, 2, 31, 32, 33, 62, 63], list(range(1, 64))])
@pytest.mark.parametrize("value", [1, -1, 300, -32768])
def test_positions_of_nonzero_ac_are_listed_in_order(expected: list[int], value: int) -> None:
    block = np.zeros(64, np.int16)
    block[0] = 7  # DC is not among them
    block[expected] = value
    assert list_positions(block) == expected


def test_a_block_of_dc_alone_has_no_positions() -> None:
    block = np.zeros(64, np.int16)
    block[0] = 1
    assert not list(list_positions(block))
