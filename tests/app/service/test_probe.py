"""Format and size of an upload are read from its header alone."""

import struct
import zlib

import pytest
from PIL import Image

from app.service.probe import QUICK_BYTES, QUICK_SEGMENTS, ImageHeader, probe, probe_jpeg_header
from contract.errors import CorruptImageError, TooManyPixelsError, UnsupportedImageError
from contract.images import IMAGE_FORMATS
from tests.photos import file_of, photo


def png_header(width_px: int, height_px: int) -> bytes:
    """Return the beginning of a PNG that announces a size and has no pixels."""
    head = struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0)

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"")


@pytest.mark.parametrize("name", IMAGE_FORMATS)
def test_every_accepted_format_is_recognised(name: str) -> None:
    found = probe(file_of(photo(33, 21), name), 10_000)
    assert (found.format, found.width_px, found.height_px) == (name, 33, 21)


def test_a_jpeg_with_further_pictures_is_accepted() -> None:
    first, second = (Image.fromarray(photo(32, 24, seed)) for seed in (1, 2))
    data = file_of(first, "MPO", save_all=True, append_images=[second])
    assert probe(data, 10_000).width_px == 32


@pytest.mark.parametrize(
    "data", [b"x", b"hello, world", b"<svg/>", b"%PDF-1.7", b"\x00" * 1000, b"\xff\xd8", b"GIF"]
)
def test_other_content_is_unsupported(data: bytes) -> None:
    with pytest.raises((UnsupportedImageError, CorruptImageError)):
        probe(data, 10_000)


def test_a_heic_photo_gets_a_message_of_its_own() -> None:
    head = b"\x00\x00\x00\x18ftyp%b\x00\x00\x00\x00mif1heic" + bytes(100)
    for brand in (b"heic", b"mif1", b"hevc"):
        with pytest.raises(UnsupportedImageError, match="HEIC"):
            probe(head % brand, 10_000)
    with pytest.raises(UnsupportedImageError, match="not a JPEG"):
        probe(head % b"mp42", 10_000)


def test_an_image_of_another_format_is_unsupported() -> None:
    with pytest.raises(UnsupportedImageError):
        probe(file_of(photo(8, 8), "PPM"), 10_000)


def test_pixels_are_limited_by_the_header_alone() -> None:
    with pytest.raises(TooManyPixelsError, match="60000 × 60000"):
        probe(png_header(60_000, 60_000), 50_000_000)


def test_a_side_longer_than_a_jpeg_can_have_is_refused() -> None:
    with pytest.raises(TooManyPixelsError, match="65500"):
        probe(png_header(65_501, 1), 50_000_000)


def many_chunks(count: int) -> bytes:
    """Return a PNG with ``count`` empty chunks before its pixels."""
    data = file_of(photo(8, 8))
    empty = struct.pack(">I", 0) + b"prVt" + struct.pack(">I", zlib.crc32(b"prVt"))
    return data[:33] + empty * count + data[33:]


@pytest.mark.parametrize(
    "data",
    [
        many_chunks(500_000),
        b"\xff\xd8" + b"\xff" * 5_000_000 + file_of(photo(8, 8), "JPEG")[2:],
    ],
)
@pytest.mark.timeout(10)
def test_a_header_of_a_million_pieces_is_refused(data: bytes) -> None:
    with pytest.raises(CorruptImageError):
        probe(data, 10_000)


def test_a_header_of_many_pieces_is_read() -> None:
    assert probe(many_chunks(5_000), 10_000).width_px == 8


def test_the_limit_itself_is_allowed() -> None:
    assert probe(png_header(100, 100), 10_000).width_px == 100
    with pytest.raises(TooManyPixelsError):
        probe(png_header(100, 101), 10_000)


def with_segments(jpeg: bytes, segments: list[bytes]) -> bytes:
    """Return a JPEG with APP1 segments of these contents before all others."""
    heads = [b"\xff\xe1" + struct.pack(">H", len(data) + 2) + data for data in segments]
    return jpeg[:2] + b"".join(heads) + jpeg[2:]


def test_ordinary_jpegs_are_parsed_without_pillow() -> None:
    plain = file_of(photo(33, 21), "JPEG")
    progressive = file_of(photo(33, 21), "JPEG", progressive=True)
    for data in (plain, progressive, with_segments(plain, [b"Exif\0\0" + bytes(10_000)])):
        assert probe_jpeg_header(data, 10_000) == ImageHeader("JPEG", 33, 21)


def test_unusual_headers_are_left_to_pillow() -> None:
    jpeg = file_of(photo(33, 21), "JPEG")
    slow = [
        with_segments(jpeg, [bytes(QUICK_BYTES)]),
        with_segments(jpeg, [b""] * QUICK_SEGMENTS),
        file_of(photo(33, 21), "PNG"),
        file_of(photo(33, 21), "TIFF"),
        b"",
    ]
    scan = jpeg.index(b"\xff\xda")
    # Truncated anywhere, or with invalid segment lengths.
    slow += [jpeg[:length] for length in range(scan + 2)]
    slow += [b"\xff\xd8" + b"\xff\xe1\0\0" * 100, b"\xff\xd8" + bytes(100)]
    assert not any(probe_jpeg_header(data, 10_000) for data in slow)
