"""Boxes are found by type, whatever their size fields say."""

import struct

import pytest

from contract.errors import CorruptImageError
from contract.image_headers.boxes import Box, Fields, find_box, read_boxes
from contract.image_headers.steps import Steps, TooManyStepsError
from tests.contract.image_headers.heif_files import box


def boxes_of(data: bytes) -> list[tuple[bytes, bytes]]:
    """Return types and contents."""
    return [
        (found.kind, data[found.start : found.end])
        for found in read_boxes(data, 0, len(data), Steps(10))
    ]


def test_boxes_follow_each_other() -> None:
    assert boxes_of(box(b"free", b"abc") + box(b"mdat")) == [(b"free", b"abc"), (b"mdat", b"")]


def test_a_size_may_have_eight_bytes() -> None:
    data = struct.pack(">I4sQ", 1, b"mdat", 19) + b"abc"
    assert boxes_of(data + box(b"free")) == [(b"mdat", b"abc"), (b"free", b"")]


def test_the_last_box_may_have_no_size_or_too_large_a_one() -> None:
    assert boxes_of(b"\0\0\0\0mdatabc") == [(b"mdat", b"abc")]
    assert boxes_of(b"\xff\xff\xff\xffmdatabc") == [(b"mdat", b"abc")]


@pytest.mark.parametrize("data", [b"\0\0\0\7mdat", struct.pack(">I4sQ", 1, b"mdat", 15)])
def test_a_box_smaller_than_its_header_is_damaged(data: bytes) -> None:
    with pytest.raises(CorruptImageError):
        boxes_of(data)


def test_a_truncated_size_is_damaged() -> None:
    with pytest.raises(struct.error):
        boxes_of(b"\0\0\0\1mdat\0\0")


def test_a_box_is_found_by_type() -> None:
    data = box(b"free", b"mdat") + box(b"mdat", b"a") + box(b"mdat", b"b")
    inside = Box(b"", 0, len(data))
    assert find_box(data, inside, b"mdat", Steps(10)) == Box(b"mdat", 20, 21)
    assert find_box(data, inside, b"moov", Steps(10)) is None


def test_the_number_of_boxes_is_limited() -> None:
    with pytest.raises(TooManyStepsError):
        boxes_of(box(b"free") * 11)


def test_fields_end_with_their_box() -> None:
    fields = Fields(b"\0\1\2\3\4", Box(b"", 1, 4))
    fields.skip(1)
    assert fields.read(2) == 0x0203
    with pytest.raises(struct.error):
        fields.read(1)
