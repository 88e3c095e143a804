"""Pillow reads the listed formats; an upload as a file allows a limited number of reads."""

import pytest
from PIL import Image

from contract.images import (
    BYTES_PER_READ,
    FREE_READS,
    IMAGE_FORMATS,
    NOT_AN_IMAGE,
    ImageFile,
    TooManyReadsError,
)


def test_pillow_has_a_reader_for_each_format() -> None:
    Image.init()
    assert set(IMAGE_FORMATS) <= set(Image.OPEN)


def test_the_error_for_other_content_names_each_format() -> None:
    assert all(name in NOT_AN_IMAGE.upper() for name in IMAGE_FORMATS)


def test_a_file_gives_its_bytes() -> None:
    file = ImageFile(b"abcdef")
    assert (file.read(2), file.read(), file.read()) == (b"ab", b"cdef", b"")


def test_a_larger_file_allows_more_reads() -> None:
    size_bytes = 3 * BYTES_PER_READ
    file = ImageFile(bytes(size_bytes))
    for _ in range(FREE_READS + 3):
        file.read(0)
    with pytest.raises(TooManyReadsError):
        file.read(0)
