"""A GIF's size is the area of its screen and first frame."""

import struct

import pytest

from contract.errors import CorruptImageError
from contract.image_headers.gif import read_parts, read_size
from contract.image_headers.steps import Steps, TooManyStepsError
from tests.photos import file_of, photo


def gif(screen_px: tuple[int, int], frame: tuple[int, int, int, int], extra: bytes = b"") -> bytes:
    """Return the header of a GIF; ``frame`` is its left, top, width and height."""
    return b"GIF89a" + struct.pack("<HH3x", *screen_px) + extra + b"," + struct.pack("<4Hx", *frame)


def test_the_size_is_read() -> None:
    assert read_size(file_of(photo(33, 21), "GIF"), Steps(10)) == (33, 21)


def test_a_table_of_colours_is_skipped() -> None:
    data = b"GIF87a\x05\0\x06\0\x81\0\0" + b"!," * 6 + b",\0\0\0\0\x09\0\x01\0\0"
    assert read_size(data, Steps(1)) == (9, 6)


@pytest.mark.parametrize(
    ("screen_px", "frame", "size_px"),
    [
        ((20, 10), (0, 0, 5, 5), (20, 10)),
        ((20, 10), (0, 0, 65_535, 5), (65_535, 10)),
        ((20, 10), (19, 9, 4, 4), (23, 13)),
        ((0, 0), (65_535, 65_535, 65_535, 65_535), (131_070, 131_070)),
    ],
)
def test_a_frame_beyond_the_screen_counts(
    screen_px: tuple[int, int], frame: tuple[int, int, int, int], size_px: tuple[int, int]
) -> None:
    assert read_size(gif(screen_px, frame), Steps(1)) == size_px


@pytest.mark.parametrize("extra", [b"!\xfe\x03a,b\x01;\0", b"!\xf9\0", b"garbage", b"\0\0"])
def test_extensions_and_garbage_are_skipped(extra: bytes) -> None:
    assert read_size(gif((20, 10), (0, 0, 5, 5), extra), Steps(20)) == (20, 10)


@pytest.mark.parametrize("end", [b"", b";", b"!\xfe\0"])
def test_a_gif_without_a_frame_is_damaged(end: bytes) -> None:
    with pytest.raises(CorruptImageError):
        read_size(b"GIF89a\1\0\1\0\0\0\0" + end, Steps(10))


@pytest.mark.parametrize("end", [b"!", b"!\xfe\1", b",\0\0\0"])
def test_a_truncated_header_is_damaged(end: bytes) -> None:
    with pytest.raises(struct.error):
        read_size(b"GIF89a\1\0\1\0\0\0\0" + end, Steps(10))


@pytest.mark.parametrize("extra", [b"!\xfe" + b"\1a" * 50 + b"\0", b"!\xfe\0" * 50, b"a" * 50])
def test_the_number_of_blocks_is_limited(extra: bytes) -> None:
    data = gif((20, 10), (0, 0, 5, 5), extra)
    assert read_size(data, Steps(101)) == (20, 10)
    with pytest.raises(TooManyStepsError):
        read_size(data, Steps(50))


def test_extensions_and_the_frame_are_listed() -> None:
    extra = b"!\xfe\3abc\0" + b"!\xf9\0"
    parts = list(read_parts(gif((20, 10), (0, 0, 5, 5), extra), Steps(20)))
    assert parts == [(b"!", 13, 20), (b"!", 20, 23), (b",", 23, 33)]
