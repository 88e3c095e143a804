import numpy as np
import pytest

from codec.jpeg.syntax.component import LUMA, Component
from codec.jpeg.syntax.symbols import ZERO_RUN
from codec.jpeg.write.ac_scan import LONGEST_RUN, list_first, list_refinement
from codec.jpeg.write.coded_scan import Scan
from codec.jpeg.write.nonzeros import Nonzeros, list_nonzeros
from codec.jpeg.write.tokens import LENGTH_SHIFT, MOST_APPENDED, SYMBOL_SHIFT, UNCODED
from tests.codec.qcoefs import check_progressive, make_components

NONE = np.zeros((0, 0), np.float32)


def list_row(*blocks: dict[int, int]) -> Nonzeros:
    """Return the list of a row of blocks, each given as {position: value}."""
    qcoefs = np.zeros((1, len(blocks), 64), np.int16)
    for block, values in zip(qcoefs[0], blocks, strict=True):
        block[list(values)] = list(values.values())
    return list_nonzeros(Component(LUMA, 1, 1, 1, len(blocks), NONE, NONE, NONE, NONE), qcoefs)


def split_tokens(tokens: np.ndarray) -> list[tuple[int, int, int]]:
    """Return symbol, number of appended bits and appended bits of each token."""
    return [
        (token >> SYMBOL_SHIFT, token >> LENGTH_SHIFT & 15, token & 0xFFFF)
        for token in tokens.tolist()
    ]


def test_a_first_scan_has_runs_values_and_ends_of_bands() -> None:
    row = list_row({1: 3, 20: -2}, {}, {2: 1, 63: -1})
    assert split_tokens(list_first(row, (1, 63), 0)) == [
        (0x02, 2, 0b11),
        (ZERO_RUN, 0, 0),
        (0x22, 2, 0b01),
        (0x10, 1, 0),  # EOB1: two blocks, the first after its last value
        (0x11, 1, 1),
        *[(ZERO_RUN, 0, 0)] * 3,
        (0xC1, 1, 0),
    ]


def test_a_first_scan_leaves_out_low_bits_and_other_bands() -> None:
    row = list_row({1: 9, 5: -3, 6: 7, 10: 1, 13: 9})
    assert split_tokens(list_first(row, (5, 12), 1)) == [(0x01, 1, 0), (0x02, 2, 0b11), (0, 0, 0)]


def test_a_refining_scan_has_new_values_and_correction_bits() -> None:
    row = list_row({1: 4, 2: 1, 3: -7, 4: -1}, {5: 3, 6: 2})
    assert split_tokens(list_refinement(row, 0)) == [
        (0x01, 1, 1),
        (UNCODED, 1, 0),  # the bit of position 1
        (0x01, 1, 0),
        (UNCODED, 1, 1),
        (0x10, 1, 0),  # EOB1, then the bits of the second block
        (UNCODED, 2, 0b10),
    ]


@pytest.mark.parametrize("run", [0, 1, 14, 15, 16, 17, 31, 32, 47, 48, 61])
def test_runs_beyond_15_have_zrl_codes(run: int) -> None:
    start, zrl = [(ZERO_RUN, 0, 0)] * (run // 16), run % 16 * 16
    end = [(0, 0, 0)] if run < 62 else []
    first = list_first(list_row({run + 1: 5}), (1, 63), 1)
    assert split_tokens(first) == [*start, (zrl + 2, 2, 0b10), *end]
    refinement = list_refinement(list_row({run + 1: 1}), 0)
    assert split_tokens(refinement) == [*start, (zrl + 1, 1, 1), *end]
    # A value that is only corrected does not end a run.
    corrected = list_refinement(list_row({1: 2, run + 2: 1}), 0)
    assert [token for token in split_tokens(corrected) if token[0] != UNCODED][
        : len(start)
    ] == start
    if run < 61:
        assert (zrl + 1, 1, 1) in split_tokens(corrected)


def test_long_corrections_are_divided_into_tokens() -> None:
    row = list_row(dict.fromkeys(range(1, 41), 2))
    tokens = split_tokens(list_refinement(row, 0))
    assert [length for _, length, _ in tokens] == [0, MOST_APPENDED, MOST_APPENDED, 10]


@pytest.mark.parametrize("blocks", [1, 2, 3, LONGEST_RUN, LONGEST_RUN + 1])
@pytest.mark.parametrize("refining", [False, True])
def test_eob_runs_have_the_size_of_their_length(blocks: int, *, refining: bool) -> None:
    empty = list_row(*[{}] * blocks)
    tokens = list_refinement(empty, 0) if refining else list_first(empty, (1, 63), 0)
    covered = [(1 << (symbol >> 4)) + appended for symbol, _, appended in split_tokens(tokens)]
    assert covered == ([blocks] if blocks <= LONGEST_RUN else [LONGEST_RUN, 1])


@pytest.mark.parametrize("busy_block", [0, 32766, 32767, 32768, None])
def test_the_longest_runs_are_decoded(busy_block: int | None) -> None:
    components = make_components(8 * 129, 8 * 256, 1, 1)
    qcoefs = np.zeros((129, 256, 64), np.int16)
    if busy_block is not None:
        qcoefs.reshape(-1, 64)[busy_block, [5, 63]] = 5, 1
    check_progressive((8 * 256, 8 * 129), components, [qcoefs])


def test_any_number_of_correction_bits_may_follow_an_eob_run() -> None:
    # Every block has coefficients to correct, and only the last one has a new one: tens of thousands
    # of bits follow one EOB run. libjpeg's encoder ends a run at 1,000 bits.
    components = make_components(8 * 24, 8 * 24, 1, 1)
    qcoefs = np.full((24, 24, 64), 6, np.int16)
    qcoefs[..., 1::3] = -5
    qcoefs[-1, -1, 30:] = 1
    qcoefs[..., 0] = 0
    script = [Scan((0,), (0, 0), 0, 0), Scan((0,), (1, 63), 0, 1), Scan((0,), (1, 63), 1, 0)]
    check_progressive((8 * 24, 8 * 24), components, [qcoefs], script)
