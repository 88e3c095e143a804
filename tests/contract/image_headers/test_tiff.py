"""A TIFF's size is read from its first directory, in all orders and types of integers."""

import struct
from collections.abc import Sequence

import pytest

from contract.errors import CorruptImageError
from contract.image_headers.steps import Steps, TooManyStepsError
from contract.image_headers.tiff import INTEGERS, read_size
from tests.photos import file_of, photo

ORIENTATION = 274


def tiff(order: str, tags: Sequence[tuple[int, int, int, bytes]], *, is_big: bool = False) -> bytes:
    """Return a TIFF of one directory; a tag is its number, type, count and value."""
    name = b"II" if order == "<" else b"MM"
    head = struct.pack(order + "HHHQ", 43, 8, 0, 16) if is_big else struct.pack(order + "HI", 42, 8)
    count, entry, room = ("Q", "HHQ8s", 8) if is_big else ("H", "HHI4s", 4)
    entries = [
        struct.pack(order + entry, number, kind, values, value.ljust(room, b"\0"))
        for number, kind, values, value in tags
    ]
    return name + head + struct.pack(order + count, len(tags)) + b"".join(entries) + bytes(8)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "jpeg"])
@pytest.mark.parametrize("big_tiff", [False, True])
def test_the_size_is_read(compression: str, big_tiff: bool) -> None:
    data = file_of(photo(33, 21), "TIFF", compression=compression, big_tiff=big_tiff)
    assert read_size(data, Steps(20)) == (33, 21)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", INTEGERS)
def test_every_type_of_integer_is_read(order: str, kind: int) -> None:
    def value(number: int) -> bytes:
        return struct.pack(order + INTEGERS[kind], number)

    tags = [(256, kind, 1, value(33)), (257, kind, 1, value(21))]
    assert read_size(tiff(order, tags, is_big=True), Steps(2)) == (33, 21)
    if len(value(1)) <= 4:
        assert read_size(tiff(order, tags), Steps(2)) == (33, 21)


def test_a_value_that_does_not_fit_is_read_at_its_offset() -> None:
    tags = [(256, 3, 3, struct.pack("<I", 38)), (257, 3, 1, b"\x15\0")]
    data = tiff("<", tags)
    assert len(data) == 42
    assert read_size(data[:38] + struct.pack("<HHH", 33, 34, 35), Steps(2)) == (33, 21)
    with pytest.raises(struct.error):
        read_size(data[:38], Steps(2))


@pytest.mark.parametrize("magic", [b"MM*\0", b"II\0*"])
def test_a_swapped_version_is_accepted(magic: bytes) -> None:
    order = ">" if magic.startswith(b"MM") else "<"
    tags = [(256, 4, 1, struct.pack(order + "I", 33)), (257, 4, 1, struct.pack(order + "I", 21))]
    assert read_size(magic + tiff(order, tags)[4:], Steps(2)) == (33, 21)


def test_orientation_does_not_matter() -> None:
    data = tiff("<", [(256, 3, 1, b"\x21"), (257, 3, 1, b"\x15"), (ORIENTATION, 3, 1, b"\6")])
    assert read_size(data, Steps(3)) == (33, 21)


def test_the_first_valid_tag_of_a_number_counts() -> None:
    tags = [
        (257, 3, 0, b"\1"),
        (257, 5, 1, b"\1"),
        (257, 3, 1, b"\x15"),
        (257, 3, 1, b"\1"),
        (256, 3, 1, b"\x21"),
    ]
    assert read_size(tiff("<", tags), Steps(5)) == (33, 21)


@pytest.mark.parametrize(
    "tags", [[], [(256, 3, 1, b"\1")], [(256, 2, 1, b"9"), (257, 3, 1, b"\1")]]
)
def test_a_directory_without_a_size_is_damaged(tags: list[tuple[int, int, int, bytes]]) -> None:
    with pytest.raises(CorruptImageError):
        read_size(tiff("<", tags), Steps(9))


@pytest.mark.parametrize(
    "data",
    [
        b"II*\0",
        b"II*\0\xff\xff\xff\xff",
        b"II+\0\x08\0\0\0" + b"\xff" * 8,
        b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0" + b"\xff" * 8,
        b"II*\0\x08\0\0\0\2\0\0\1",
    ],
)
def test_a_directory_outside_of_the_file_is_damaged(data: bytes) -> None:
    with pytest.raises(struct.error):
        read_size(data, Steps(9))


def test_the_number_of_tags_is_limited() -> None:
    tags = [(number, 3, 1, b"\x21") for number in range(200, 258)]
    assert read_size(tiff("<", tags), Steps(58)) == (33, 33)
    with pytest.raises(TooManyStepsError):
        read_size(tiff("<", tags), Steps(57))
