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
    MAX_TAG_VALUES,
    READS_PER_BYTE,
    ImageFile,
    TooManyReadsError,
    check_limits,
    drop_long_exif,
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
    assert (MAX_SCANS, MAX_TAG_VALUES, READS_PER_BYTE) == (200, 524_288, 8)
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


@pytest.mark.parametrize(("key", "content"), [("exif", b"a"), ("Raw profile type exif", "a")])
def test_long_exif_is_dropped(key: str, content: bytes | str) -> None:
    image = Image.new("L", (1, 1))
    image.info[key] = content * LONGEST_EXIF_BYTES
    drop_long_exif(image)
    assert key in image.info
    image.info[key] += content
    drop_long_exif(image)
    assert key not in image.info


def tiff(*tags: tuple[int, int, int, int], after: bytes = b"") -> bytes:
    """Return a TIFF of 8×8 pixels with further tags: number, type, count, value."""
    tags = ((256, 3, 1, 8), (257, 3, 1, 8), *tags)
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + after


@pytest.mark.parametrize(
    ("kind", "size_bytes"),
    [(3, 2), (4, 4), (5, 8), (6, 1), (8, 2), (9, 4), (10, 8), (11, 4), (12, 8), (13, 4), (16, 8)],
)
def test_the_number_of_values_is_limited(kind: int, size_bytes: int) -> None:
    limit = MAX_TAG_VALUES - 2
    data = bytes(size_bytes * MAX_TAG_VALUES)
    check_limits(tiff((273, kind, limit, 8), after=data), LIMIT_PX)
    too_many = tiff((273, kind, limit + 1, 8), after=data)[: size_bytes * (limit + 1)]
    with pytest.raises(CorruptImageError, match="values"):
        check_limits(too_many, LIMIT_PX)
    # They are never read if they don't fit into the file.
    check_limits(too_many[:-1], LIMIT_PX)


def test_a_truncated_directory_is_corrupt() -> None:
    data = tiff((273, 4, 1, 8), after=b"")
    with pytest.raises(CorruptImageError, match="header"):
        check_limits(data[:-5], LIMIT_PX)


@pytest.mark.parametrize("kind", [1, 2, 7])
def test_bytes_are_no_values(kind: int) -> None:
    count = 2 * MAX_TAG_VALUES
    check_limits(tiff((273, kind, count, 8), after=bytes(count)), LIMIT_PX)


@pytest.mark.parametrize("directory", [0x8769, 0x8825, 0xA005])
def test_values_of_each_directory_of_metadata_count(directory: int) -> None:
    inner = struct.pack("<HHHII", 1, 282, 3, 2 * MAX_TAG_VALUES, 8) + bytes(4)
    outer = tiff((directory, 4, 1, 0))
    data = tiff((directory, 4, 1, len(outer)), after=inner + bytes(4 * MAX_TAG_VALUES))
    with pytest.raises(CorruptImageError, match="values"):
        check_limits(data, LIMIT_PX)


def test_values_of_directories_inside_count() -> None:
    directory = struct.pack("<HHHII", 1, 282, 5, MAX_TAG_VALUES, 8) + bytes(4)
    outer = tiff((0x8769, 4, 1, 0))
    data = tiff((0x8769, 4, 1, len(outer)), after=directory + bytes(8 * MAX_TAG_VALUES))
    with pytest.raises(CorruptImageError, match="values"):
        check_limits(data, LIMIT_PX)
    # A directory outside of the file, or inside itself, does no harm.
    check_limits(tiff((0x8769, 4, 1, 2**31)), LIMIT_PX)
    with pytest.raises(CorruptImageError, match="pieces"):
        check_limits(tiff((0x8769, 4, 1, 8)), LIMIT_PX)


def test_bytes_and_values_that_are_never_read_do_not_count() -> None:
    check_limits(tiff((700, 7, 2 * MAX_TAG_VALUES, 8), after=bytes(2 * MAX_TAG_VALUES)), LIMIT_PX)
    check_limits(tiff((273, 4, 2**32 - 1, 8)), LIMIT_PX)


def test_the_size_of_a_tile_is_limited() -> None:
    check_limits(tiff((322, 4, 1, 1024), (323, 4, 1, 1024)), LIMIT_PX)
    with pytest.raises(CorruptImageError, match="tiles"):
        check_limits(tiff((322, 4, 1, 1024), (323, 4, 1, 1025)), LIMIT_PX)
    # The last of several tags with one number does not hide the largest.
    with pytest.raises(CorruptImageError, match="tiles"):
        check_limits(tiff((322, 4, 1, 4096), (322, 4, 1, 1), (323, 3, 1, 4096)), LIMIT_PX)
    with pytest.raises(CorruptImageError, match="tiles"):
        check_limits(tiff((322, 4, 1, 4096), (323, 3, 1, 4096)), LIMIT_PX)


def test_pillow_refuses_where_it_finds_another_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    limit_pillow(100)
    with pytest.raises(Image.DecompressionBombError):
        Image.new("L", (20, 20)).crop((0, 0, 15, 15))
