import numpy as np
import pytest

from codec.jpeg.syntax.symbols import (
    APPENDED_BITS,
    END_OF_BLOCK,
    SIZES,
    ZERO_RUN,
    count_block_symbols,
    count_symbols,
)


def test_sizes_are_those_of_tables_f1_and_f2() -> None:
    for size in range(1, 16):
        smallest, largest = 1 << (size - 1), (1 << size) - 1
        assert SIZES[smallest] == SIZES[largest] == size
    assert SIZES[0] == 0
    assert SIZES.size == 1 << 15


def test_a_symbol_has_as_many_appended_bits_as_its_size() -> None:
    assert APPENDED_BITS[END_OF_BLOCK] == APPENDED_BITS[ZERO_RUN] == 0
    assert APPENDED_BITS[0x35] == 5


@pytest.mark.parametrize(
    ("run", "zero_runs", "symbol"), [(0, 0, 0x02), (15, 0, 0xF2), (50, 3, 0x22)]
)
def test_long_runs_are_counted_as_zero_runs_of_sixteen(
    run: int, zero_runs: int, symbol: int
) -> None:
    counts = np.zeros(256, np.int64)
    count_symbols(run, 2, 3, counts)
    assert counts[ZERO_RUN] == 3 * zero_runs
    assert counts[symbol] == 3
    assert counts.sum() == 3 * (zero_runs + 1)


def test_symbols_of_a_block_are_added_and_subtracted() -> None:
    block = np.zeros(64, np.int16)
    block[[0, 1, 5, 40]] = (100, -1, 6, 2)  # DC has no part in it
    counts = np.zeros(256, np.int64)
    count_block_symbols(block, 1, counts)
    found = {symbol: int(counts[symbol]) for symbol in np.flatnonzero(counts).tolist()}
    assert found == {0x01: 1, 0x33: 1, ZERO_RUN: 2, 0x22: 1, END_OF_BLOCK: 1}
    count_block_symbols(block, -1, counts)
    assert not counts.any()


def test_a_block_that_ends_in_a_value_has_no_end_of_block() -> None:
    block = np.zeros(64, np.int16)
    block[63] = 1
    counts = np.zeros(256, np.int64)
    count_block_symbols(block, 1, counts)
    assert counts[END_OF_BLOCK] == 0
