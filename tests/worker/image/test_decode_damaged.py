"""Damaged, oversized and foreign files are typed errors."""

import struct
import zlib

import pytest

from contract.errors import CorruptImageError, TooManyPixelsError, UnsupportedImageError
from contract.images import IMAGE_FORMATS
from contract.messages import Options
from tests.photos import file_of, photo
from worker.image.decode import decode

LIMIT_PX = 1_000_000


def make_tile_bomb(side_px: int, *, width_type: int = 4) -> bytes:
    """Return a TIFF of 8×8 pixels in one tile of ``side_px`` × ``side_px``."""
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(bytes(side_px)) for _ in range(side_px)) + packer.flush()
    fields = [
        (256, 8),
        (257, 8),
        (258, 8),
        (259, 8),
        (262, 1),
        (277, 1),
        (322, side_px),
        (323, side_px),
    ]
    offset = 8 + 2 + 12 * (len(fields) + 2) + 4
    fields += [(324, offset), (325, len(data))]
    types = {322: width_type}
    entries = b"".join(
        struct.pack("<HHII", tag, types.get(tag, 4), 1, value) for tag, value in fields
    )
    head = b"II*\0" + struct.pack("<IH", 8, len(fields))
    return head + entries + struct.pack("<I", 0) + data


def test_tiles_far_larger_than_the_image_are_refused() -> None:
    with pytest.raises(CorruptImageError, match="tiles"):
        decode(make_tile_bomb(4096), LIMIT_PX, Options())
    assert decode(make_tile_bomb(256), LIMIT_PX, Options()).image.size == (8, 8)


def test_a_tile_width_of_type_text_is_corrupt() -> None:
    with pytest.raises(CorruptImageError):
        decode(make_tile_bomb(65, width_type=2), LIMIT_PX, Options())


@pytest.mark.parametrize("name", IMAGE_FORMATS)
def test_a_truncated_file_is_corrupt(name: str) -> None:
    data = file_of(photo(200, 150), name)
    with pytest.raises((CorruptImageError, UnsupportedImageError)):
        decode(data[: len(data) // 2], LIMIT_PX, Options())


def test_damaged_compressed_data_is_corrupt() -> None:
    data = bytearray(file_of(photo(200, 150)))
    data[500:700] = bytes(200)
    with pytest.raises(CorruptImageError):
        decode(bytes(data), LIMIT_PX, Options())


def test_an_image_with_too_many_pixels_is_refused() -> None:
    with pytest.raises(TooManyPixelsError):
        decode(file_of(photo(40, 30)), 1199, Options())


def test_content_that_is_no_image_is_unsupported() -> None:
    with pytest.raises(UnsupportedImageError):
        decode(b"hello", LIMIT_PX, Options())


def test_errors_contain_nothing_of_the_upload() -> None:
    with pytest.raises(UnsupportedImageError) as caught:
        decode(b"secret words", LIMIT_PX, Options())
    assert "secret" not in caught.value.detail
