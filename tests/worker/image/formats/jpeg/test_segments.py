"""Decoders get the segments that they need, and nothing of the others."""

import pytest

from contract.errors import CorruptImageError
from contract.image_headers.steps import MAX_STEPS, TooManyStepsError
from tests.worker.image.formats.jpeg.files import JPEG, adobe, insert, make, segment
from worker.image.formats.jpeg.segments import find_frame, split

JFIF = segment(0xE0, b"JFIF\0\1\1\1\0\x48\0\x48\0\0")


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 2}])
def test_a_jpeg_without_metadata_is_left_as_it_is(options: dict[str, int]) -> None:
    data = make(**options)
    assert split(data) == (data, [(0xE0, data[6:20])])


def test_metadata_comments_garbage_and_fill_bytes_are_left_out() -> None:
    parts = [
        *(JFIF, b"garbage \xff\0", b"\xff" * 9, segment(0xE1, b"Exif\0\0damage")),
        *(segment(0xFE, b"text"), segment(0xEF, b""), b"\xff\x01\xff\xd3\xff\xe5\0\0"),
    ]
    jpeg, applications = split(insert(*parts))
    assert jpeg == insert(JFIF)
    assert applications == [(0xE0, JFIF[4:]), (0xE1, b"Exif\0\0damage"), (0xEF, b""), (0xE5, b"")]


def test_what_tells_of_colours_is_kept_without_the_rest() -> None:
    thumbnail = segment(0xE0, JFIF[4:16] + b"\2\1" + bytes(6))
    long = segment(0xEE, adobe(1)[4:] + b"more")
    assert split(insert(thumbnail, long))[0] == insert(JFIF, adobe(1))


@pytest.mark.parametrize(
    "short", [segment(0xE0, JFIF[4:17]), segment(0xEE, adobe(0)[4:15]), segment(0xEE, b"Adobe")]
)
def test_a_segment_too_short_to_tell_of_colours_is_left_out(short: bytes) -> None:
    assert split(insert(short))[0] == insert()


def test_what_follows_the_first_scan_header_is_not_touched() -> None:
    tail = segment(0xE1, b"more") + b"garbage"
    assert split(JPEG + tail)[0] == JPEG + tail


def test_the_number_of_segments_is_limited() -> None:
    assert split(insert(segment(0xE9, b"") * (MAX_STEPS - 20)))[0] == insert()
    with pytest.raises(TooManyStepsError):
        split(insert(segment(0xE9, b"") * MAX_STEPS))


def test_a_segment_beyond_the_end_leaves_no_scan() -> None:
    with pytest.raises(CorruptImageError):
        split(JPEG[:30])


@pytest.mark.parametrize(("options", "frame"), [({}, 0xC0), ({"progressive": True}, 0xC2)])
def test_the_kind_of_frame_is_found(options: dict[str, bool], frame: int) -> None:
    assert find_frame(make(**options)) == frame
