"""A PNG's size is that in its header chunk; damage elsewhere does not matter."""

import struct

import pytest

from contract.errors import CorruptImageError
from contract.image_headers.png import read_chunks, read_size
from contract.image_headers.steps import Steps, TooManyStepsError
from tests.photos import file_of, photo

PNG = file_of(photo(33, 21))
EMPTY_CHUNK = b"\0\0\0\0prVt" + bytes(4)


def test_the_size_is_read() -> None:
    assert read_size(PNG, Steps(1)) == (33, 21)


def test_damage_after_the_header_does_not_matter() -> None:
    assert read_size(PNG[:33] + b"garbage", Steps(1)) == (33, 21)


def test_a_checksum_is_not_needed() -> None:
    assert read_size(PNG[:29] + bytes(4) + PNG[33:], Steps(1)) == (33, 21)


def test_chunks_before_the_header_are_skipped() -> None:
    data = PNG[:8] + EMPTY_CHUNK * 9 + PNG[8:]
    assert read_size(data, Steps(10)) == (33, 21)
    with pytest.raises(TooManyStepsError):
        read_size(data, Steps(9))


def test_pixels_without_a_header_are_damaged() -> None:
    with pytest.raises(CorruptImageError):
        read_size(PNG[:8] + PNG[33:], Steps(10))


@pytest.mark.parametrize("length", range(8, 24))
def test_a_truncated_header_is_damaged(length: int) -> None:
    with pytest.raises((CorruptImageError, struct.error)):
        read_size(PNG[:length], Steps(10))


def test_chunks_are_listed_up_to_one_that_ends_beyond_the_file() -> None:
    data = PNG[:33] + b"\0\0\0\x09abcd123"
    assert list(read_chunks(data, Steps(2))) == [(b"IHDR", 16, 29), (b"abcd", 41, 50)]
