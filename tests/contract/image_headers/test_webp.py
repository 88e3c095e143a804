"""A WebP's size is that of its canvas or only frame."""

import struct

import pytest
from PIL import Image

from contract.errors import CorruptImageError
from contract.image_headers.steps import Steps, TooManyStepsError
from contract.image_headers.webp import read_chunks, read_size
from tests.photos import file_of, photo

LOSSY = file_of(photo(33, 21), "WEBP")
LOSSLESS = file_of(photo(33, 21), "WEBP", lossless=True)
FRAMES = [Image.fromarray(photo(33, 21, seed)) for seed in (1, 2)]
ANIMATED = file_of(FRAMES[0], "WEBP", save_all=True, append_images=FRAMES[1:])


@pytest.mark.parametrize(
    ("kind", "data"), [(b"VP8 ", LOSSY), (b"VP8L", LOSSLESS), (b"VP8X", ANIMATED)]
)
def test_the_size_is_read(kind: bytes, data: bytes) -> None:
    assert data[12:16] == kind
    assert read_size(data, Steps(1)) == (33, 21)


def test_the_largest_canvas_is_read() -> None:
    assert read_size(ANIMATED[:24] + b"\xff" * 6, Steps(1)) == (2**24, 2**24)


def test_the_largest_frame_is_read() -> None:
    assert read_size(LOSSLESS[:21] + b"\xff" * 4, Steps(1)) == (16_384, 16_384)
    # The upper bits of a side say how a player scales it.
    assert read_size(LOSSY[:26] + b"\xff" * 4, Steps(1)) == (16_383, 16_383)


@pytest.mark.parametrize("data", [LOSSY[:23] + bytes(9), LOSSLESS[:20] + bytes(9)])
def test_a_frame_without_a_signature_is_damaged(data: bytes) -> None:
    with pytest.raises(CorruptImageError):
        read_size(data, Steps(1))


@pytest.mark.parametrize(("data", "length"), [(LOSSY, 29), (LOSSLESS, 24), (ANIMATED, 29)])
def test_a_truncated_header_is_damaged(data: bytes, length: int) -> None:
    with pytest.raises(struct.error):
        read_size(data[:length], Steps(1))


def test_chunks_are_padded_and_the_last_one_may_end_beyond_the_file() -> None:
    data = bytes(12) + b"EXIF\3\0\0\0abc\0" + b"XMP \x09\0\0\0abc"
    assert list(read_chunks(data, Steps(2))) == [(b"EXIF", 20, 23), (b"XMP ", 32, 41)]
    with pytest.raises(TooManyStepsError):
        list(read_chunks(data, Steps(1)))
