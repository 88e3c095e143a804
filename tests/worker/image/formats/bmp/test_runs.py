"""Runs, literals, line ends and deltas are unpacked, and nothing is written outside of the picture."""

import numpy as np
import pytest

from worker.image.formats.bmp.runs import unpack_runs


def unpack(
    data: bytes, depth: int = 8, size_px: tuple[int, int] = (2, 5)
) -> tuple[bool, list[list[int]]]:
    """Return whether the picture is complete, and its rows in the order of the file."""
    pixels = np.zeros((*size_px, 3 if depth == 24 else 1), np.uint8)
    complete = unpack_runs(np.frombuffer(data, np.uint8), depth, pixels)
    return complete, pixels.reshape(size_px[0], -1).tolist()


def test_runs_and_literals_of_8_bits() -> None:
    data = b"\2\7" + b"\0\3abc\0" + b"\0\0" + b"\5\1" + b"\0\1"
    assert unpack(data) == (True, [[7, 7, 97, 98, 99], [1, 1, 1, 1, 1]])


def test_runs_and_literals_of_4_bits() -> None:
    data = b"\3\x12" + b"\0\0" + b"\0\5\x12\x34\x50\0" + b"\0\1"
    assert unpack(data, 4) == (True, [[1, 2, 1, 0, 0], [1, 2, 3, 4, 5]])


def test_runs_and_literals_of_24_bits() -> None:
    data = b"\2abc" + b"\0\0" + b"\0\3defghijkl\0" + b"\0\1"
    assert unpack(data, 24, (2, 3)) == (True, [[*b"abcabc", 0, 0, 0], [*b"defghijkl"]])


def test_deltas_and_early_ends_leave_pixels_out() -> None:
    assert unpack(b"\1\7\0\2\2\1\1\x08\0\1") == (True, [[7, 0, 0, 0, 0], [0, 0, 0, 8, 0]])
    assert unpack(b"\0\2\0\2") == (True, [[0] * 5, [0] * 5])
    assert unpack(b"\1\7\0\0\0\0\1\x09") == (True, [[7, 0, 0, 0, 0], [0] * 5])


@pytest.mark.parametrize(
    "run", [b"\xff\7", b"\0\x08aaaaaaaa", b"\5\7\5\7\5\7", b"\0\2\xff\0\xff\7", b"\0\2\xff\xff"]
)
def test_what_goes_beyond_a_row_is_left_out(run: bytes) -> None:
    complete, rows = unpack(run + b"\0\0\0\1")
    assert complete
    assert rows[1] == [0] * 5


def test_a_picture_without_an_end_is_complete_if_all_rows_are() -> None:
    assert unpack(b"\5\7\0\0\5\x08")[0]
    assert not unpack(b"\5\7\0\0\4\x08")[0]
    assert not unpack(b"\5\7")[0]


@pytest.mark.parametrize("data", [b"", b"\5", b"\0", b"\0\3ab", b"\0\2", b"\0\2\1"])
def test_truncated_runs_are_not_complete(data: bytes) -> None:
    for depth in (4, 8, 24):
        assert not unpack(data, depth)[0]


def test_nothing_is_written_outside_of_the_picture() -> None:
    rng = np.random.default_rng(0)
    for number in range(1_500):
        height, width = rng.integers(1, 6, 2)
        depth = (4, 8, 24)[number % 3]
        size = 3 if depth == 24 else 1
        frame = np.full(height * width * size + 200, 0xA5, np.uint8)
        inside = frame[100:-100].reshape(height, width, size)
        data = rng.integers(0, 5 if number % 2 else 256, rng.integers(0, 60)).astype(np.uint8)
        unpack_runs(np.frombuffer(data.tobytes(), np.uint8), depth, inside)
        assert (frame[:100] == 0xA5).all()
        assert (frame[-100:] == 0xA5).all()
