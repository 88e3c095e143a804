"""A BMP's size is read from headers of every generation."""

import struct

import pytest

from contract.errors import CorruptImageError
from contract.image_headers.bmp import read_size
from contract.image_headers.steps import Steps
from tests.photos import file_of, photo


def bmp(header_bytes: int, size: bytes) -> bytes:
    """Return a BMP's file header, the length of its header, and the size in it."""
    return b"BM" + bytes(12) + struct.pack("<I", header_bytes) + size


def test_the_size_is_read() -> None:
    assert read_size(file_of(photo(33, 21), "BMP"), Steps(1)) == (33, 21)


def test_the_oldest_header_has_short_sides() -> None:
    assert read_size(bmp(12, struct.pack("<HH", 33, 65_535)), Steps(1)) == (33, 65_535)


@pytest.mark.parametrize("header_bytes", [16, 40, 52, 56, 64, 108, 124])
def test_rows_from_the_top_have_a_negative_height(header_bytes: int) -> None:
    assert read_size(bmp(header_bytes, struct.pack("<ii", 33, -21)), Steps(1)) == (33, 21)


def test_the_largest_sides_are_not_taken_for_small_ones() -> None:
    size = read_size(bmp(40, b"\xff\xff\xff\xff\0\0\0\x80"), Steps(1))
    assert size == (2**32 - 1, 2**31)


@pytest.mark.parametrize("header_bytes", [0, 11, 13, 125, 2**32 - 1])
def test_a_header_of_another_length_is_damaged(header_bytes: int) -> None:
    with pytest.raises(CorruptImageError):
        read_size(bmp(header_bytes, bytes(8)), Steps(1))


def test_a_truncated_header_is_damaged() -> None:
    for data in (b"BM", bmp(12, bytes(3)), bmp(40, bytes(7))):
        with pytest.raises(struct.error):
            read_size(data, Steps(1))
