"""Tag trees come back as written, and have the bits of the standard's example."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from codec.jpeg2000.packet_bits import (
    CURSOR_SIZE,
    FAILED,
    LEFT,
    POSITION,
    align_writer,
    read_bit,
)
from codec.jpeg2000.tag_tree import (
    UNKNOWN,
    count_levels,
    count_nodes,
    decode_tag,
    encode_tag,
    lower_tag,
    make_trees,
)


class Written:
    """A tree that is written."""

    def __init__(self, grid: NDArray[np.int64]) -> None:
        self.grid = grid
        self.shape = (grid.shape[0], grid.shape[1])
        nodes = count_nodes(*self.shape)
        self.out, self.cursor = np.zeros(4096, np.uint8), np.zeros(CURSOR_SIZE, np.int64)
        self.trees = make_trees(nodes)
        for leaf in np.ndindex(self.shape):
            lower_tag(self.trees, 0, self.shape, (leaf[0], leaf[1]), int(grid[leaf]))

    def write(self, leaf: tuple[int, int], threshold: int) -> None:
        encode_tag(self.out, self.cursor, self.trees, 0, self.shape, leaf, threshold)


class Reading:
    """A tree that is read."""

    def __init__(self, data: NDArray[np.uint8], shape: tuple[int, int]) -> None:
        self.data, self.shape = data, shape
        self.cursor, self.trees = np.zeros(CURSOR_SIZE, np.int64), make_trees(count_nodes(*shape))

    def is_below(self, leaf: tuple[int, int], threshold: int) -> bool:
        return decode_tag(self.data, self.cursor, self.trees, 0, self.shape, leaf, threshold)


@settings(deadline=None)
@given(
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(1, 12), min_size=1, max_size=4),
)
def test_each_leaf_is_below_what_it_was_below(
    shape: tuple[int, int], seed: int, thresholds: list[int]
) -> None:
    grid = np.random.default_rng(seed).integers(0, 10, shape)
    written = Written(grid)
    questions = [(leaf, limit) for limit in thresholds for leaf in np.ndindex(shape)]
    for leaf, limit in questions:
        written.write(leaf, limit)
    align_writer(written.out, written.cursor)
    reading = Reading(written.out[: written.cursor[POSITION]], shape)
    for leaf, limit in questions:
        assert reading.is_below(leaf, limit) == (grid[leaf] < limit)
    assert not reading.cursor[FAILED]


def test_the_example_of_the_standard() -> None:
    """Figure B.12: 3 rows of 6 leaves, of which the first four begin 01111 001 101 ..."""
    grid = np.array([[1, 3, 2, 3, 2, 3], [2, 2, 1, 4, 3, 2], [2, 2, 2, 2, 1, 2]])
    written = Written(grid)
    codes = []
    for column in range(3):
        before = 8 * written.cursor[POSITION] - written.cursor[LEFT]
        written.write((0, column), UNKNOWN)
        codes.append(int(8 * written.cursor[POSITION] - written.cursor[LEFT] - before))
    cursor = np.zeros(CURSOR_SIZE, np.int64)
    bits = "".join(str(read_bit(written.out, cursor)) for _ in range(sum(codes)))
    assert bits == "01111" + "001" + "101"


def test_sizes() -> None:
    assert [count_levels(*shape) for shape in ((1, 1), (2, 1), (3, 6), (1, 9))] == [1, 2, 4, 5]
    assert [count_nodes(*shape) for shape in ((1, 1), (2, 1), (3, 6))] == [1, 3, 18 + 6 + 2 + 1]
