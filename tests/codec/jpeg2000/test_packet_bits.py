"""Bits, pass counts and stuffing come back as written."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.jpeg2000.packet_bits import (
    CURSOR_SIZE,
    FAILED,
    MAX_PASSES,
    POSITION,
    align_reader,
    align_writer,
    floor_log2,
    read_bit,
    read_bits,
    read_pass_count,
    write_bits,
    write_pass_count,
)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 20), st.integers(0, 2**20 - 1)), max_size=20))
def test_numbers_come_back_and_no_header_has_a_marker(numbers: list[tuple[int, int]]) -> None:
    out, cursor = np.zeros(200, np.uint8), np.zeros(CURSOR_SIZE, np.int64)
    for count, value in numbers:
        write_bits(out, cursor, value & ((1 << count) - 1), count)
    align_writer(out, cursor)
    written = out[: cursor[POSITION]]
    # B.10.1: the byte after 0xFF is below 0x80, so that no marker appears.
    assert not np.any((written[:-1] == 0xFF) & (written[1:] >= 0x80))
    assert not written.size or written[-1] != 0xFF
    cursor = np.zeros(CURSOR_SIZE, np.int64)
    for count, value in numbers:
        assert read_bits(written, cursor, count) == value & ((1 << count) - 1)
    align_reader(written, cursor)
    assert not cursor[FAILED]
    assert cursor[POSITION] == written.size


def test_a_byte_of_ones_is_followed_by_a_zero_bit() -> None:
    out, cursor = np.zeros(4, np.uint8), np.zeros(CURSOR_SIZE, np.int64)
    write_bits(out, cursor, 0xFF, 8)
    align_writer(out, cursor)
    assert cursor[POSITION] == 2
    assert out[:2].tolist() == [0xFF, 0]


def test_pass_counts_have_the_codes_of_table_b4() -> None:
    codes = {1: "0", 2: "10", 3: "1100", 5: "1110", 6: "111100000", 36: "111111110",
             37: "1111111110000000", 164: "1111111111111111"}  # fmt: skip
    for count, code in codes.items():
        out, cursor = np.zeros(4, np.uint8), np.zeros(CURSOR_SIZE, np.int64)
        write_pass_count(out, cursor, count)
        cursor = np.zeros(CURSOR_SIZE, np.int64)
        assert "".join(str(read_bit(out, cursor)) for _ in code) == code


def test_every_pass_count_comes_back() -> None:
    for count in range(1, MAX_PASSES + 1):
        out, cursor = np.zeros(4, np.uint8), np.zeros(CURSOR_SIZE, np.int64)
        write_pass_count(out, cursor, count)
        assert read_pass_count(out, np.zeros(CURSOR_SIZE, np.int64)) == count


def test_reading_past_the_end_gives_zeros_and_a_mark() -> None:
    data, cursor = np.array([0b10000000], np.uint8), np.zeros(CURSOR_SIZE, np.int64)
    assert read_bits(data, cursor, 8) == 128
    assert not cursor[FAILED]
    assert read_bit(data, cursor) == 0
    assert cursor[FAILED]


def test_floor_log2() -> None:
    assert [floor_log2(value) for value in (1, 2, 3, 4, 164)] == [0, 1, 1, 2, 7]
