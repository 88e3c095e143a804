from typing import Any

import numpy as np
import pytest

from codec.jpeg.decode.coefficients import read_source
from codec.jpeg.decode.marker_segments import UnreadableSourceError
from codec.jpeg.decode.restart_intervals import PADDING_BYTES, enter_unit, is_used_up, unstuff
from tests.codec.edited_jpegs import COLOUR
from tests.codec.jpegs import pillow_jpeg
from tests.codec.pictures import scene

START = b"header"


def unstuff_segment(segment: bytes, intervals: int) -> tuple[bytes, list[int], int]:
    """Return the bytes without padding, the intervals' ends, and the segment's own end."""
    data = np.frombuffer(START + segment, np.uint8)
    bits, ends, end = unstuff(data, len(START), intervals)
    assert not bits[-PADDING_BYTES:].any()
    return bits[:-PADDING_BYTES].tobytes(), ends.tolist(), end - len(START)


def test_stuffing_and_markers_are_removed() -> None:
    segment = b"ab\xff\x00c\xff\xd0de\xff\xff\xd1f"
    assert unstuff_segment(segment + b"\xff\xd9", 3) == (b"ab\xffcdef", [32, 48, 56], len(segment))


def test_the_ninth_restart_marker_has_the_first_number() -> None:
    segment = b"".join(b"a\xff" + bytes((0xD0 + i % 8,)) for i in range(9)) + b"a"
    assert unstuff_segment(segment + b"\xff\xd9", 10)[0] == b"a" * 10


@pytest.mark.parametrize(
    ("segment", "intervals"),
    [
        (b"a\xff\xd1b\xff\xd9", 2),
        (b"a\xff\xd0b\xff\xd9", 1),
        (b"a\xff\xd0b\xff\xd9", 3),
        (b"ab", 1),
        (b"ab\xff", 1),
    ],
    ids=["out of order", "too many", "missing", "no end", "cut inside a marker"],
)
def test_wrong_restart_markers_are_refused(segment: bytes, intervals: int) -> None:
    with pytest.raises(UnreadableSourceError, match="restart markers"):
        unstuff_segment(segment, intervals)


@pytest.mark.parametrize(
    ("at", "end", "used_up"), [(9, 16, True), (16, 16, True), (8, 16, False), (17, 16, False)]
)
def test_an_interval_is_used_up_in_its_last_byte(at: int, end: int, *, used_up: bool) -> None:
    assert is_used_up(at, end) == used_up


def test_the_next_interval_follows_the_last_unit() -> None:
    ends = np.array([20, 40], np.int64)
    assert enter_unit(3, 0, 2, 5, ends) == (3, 0, 1)
    assert enter_unit(15, 0, 0, 5, ends) == (20, 1, 4)
    assert enter_unit(5, 0, 0, 5, ends)[0] == -1  # bytes left over
    assert enter_unit(21, 0, 0, 5, ends)[0] == -1  # read too far


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("interval", [{"restart_marker_blocks": 1}, {"restart_marker_rows": 1}])
def test_files_with_restart_intervals_have_the_same_coefficients(
    progressive: bool, interval: dict[str, int]
) -> None:
    # More than eight of them, so that their numbers begin again.
    options: dict[str, Any] = {"quality": 80, "progressive": progressive, "subsampling": "4:2:0"}
    cut = read_source(pillow_jpeg(scene(170, 41), **options, **interval))
    whole = read_source(pillow_jpeg(scene(170, 41), **options))
    for first, second in zip(cut.qcoefs, whole.qcoefs, strict=True):
        assert np.array_equal(first, second)


def test_a_restart_marker_at_the_end_is_refused() -> None:
    with pytest.raises(UnreadableSourceError, match="restart markers"):
        read_source(COLOUR[:-2] + b"\xff\xd0" + COLOUR[-2:])
