"""What decoding takes is bounded before Pillow opens an upload."""

import struct

import pytest
from PIL import Image

from contract.errors import CorruptImageError, TooManyPixelsError, UnsupportedImageError
from tests.photos import file_of, photo
from worker.image.limits import (
    BYTES_PER_READ,
    FREE_BYTES,
    FREE_READS,
    LONGEST_EXIF_BYTES,
    MAX_SCANS,
    READS_PER_BYTE,
    ImageFile,
    TooManyReadsError,
    check_limits,
    limit_pillow,
)

LIMIT_PX = 1_000_000


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


def test_limits_are_those_that_the_documents_state() -> None:
    assert (MAX_SCANS, READS_PER_BYTE) == (200, 8)
    assert LONGEST_EXIF_BYTES == FREE_BYTES == 1 << 20
    # Far more reads than a photo takes, far fewer than take a second.
    assert 10_000 <= FREE_READS < 100_000
    assert BYTES_PER_READ <= 512


def test_a_file_can_be_read_a_few_times_only() -> None:
    file = ImageFile(bytes(FREE_BYTES))
    for _ in range(READS_PER_BYTE + 1):
        file.seek(0)
        assert len(file.read()) == FREE_BYTES
    file.seek(0)
    with pytest.raises(TooManyReadsError):
        file.read(1)


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_an_ordinary_file_is_within_the_limits(name: str) -> None:
    header = check_limits(file_of(photo(33, 21), name), LIMIT_PX)
    assert (header.format, header.width_px, header.height_px) == (name, 33, 21)


def test_pixels_and_content_are_checked_again() -> None:
    with pytest.raises(TooManyPixelsError):
        check_limits(file_of(photo(40, 30)), 1199)
    with pytest.raises(UnsupportedImageError):
        check_limits(b"hello", LIMIT_PX)
    with pytest.raises(CorruptImageError):
        check_limits(b"\xff\xd8" + b"\xff" * 100_000, LIMIT_PX)


def test_the_number_of_scans_is_limited() -> None:
    data = file_of(Image.new("L", (16, 16), 90), "JPEG", progressive=True)
    at = data.rindex(b"\xff\xda")
    scan, others = data[at:-2], data.count(b"\xff\xda")
    check_limits(data[:-2] + scan * (MAX_SCANS - others) + data[-2:], LIMIT_PX)
    with pytest.raises(CorruptImageError, match="scans"):
        check_limits(data[:-2] + scan * (MAX_SCANS - others + 1) + data[-2:], LIMIT_PX)


def test_markers_in_metadata_and_behind_the_end_do_not_count() -> None:
    data = file_of(photo(33, 21), "JPEG")
    marks = b"\xff\xda" * (MAX_SCANS + 1)
    segment = b"\xff\xe1" + struct.pack(">H", len(marks) + 2) + marks
    check_limits(data[:2] + segment + data[2:] + marks, LIMIT_PX)


def test_the_number_of_segments_between_scans_is_limited() -> None:
    data = file_of(photo(33, 21), "JPEG")
    marks = b"\xff\xda" * (MAX_SCANS + 1)
    comment = b"\xff\xfe\x00\x02"
    check_limits(data[:-2] + comment * 9_000 + data[-2:] + marks, LIMIT_PX)
    with pytest.raises(CorruptImageError, match="pieces"):
        check_limits(data[:-2] + comment * 11_000 + data[-2:] + marks, LIMIT_PX)


def test_pillow_refuses_where_it_finds_another_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    limit_pillow(100)
    with pytest.raises(Image.DecompressionBombError):
        Image.new("L", (20, 20)).crop((0, 0, 15, 15))
