"""A BMP's header says how its pixels are stored; wrong fields that aren't needed don't matter."""

import struct

import pytest

from contract.errors import UnsupportedImageError
from tests.worker.image.formats.bmp.files import bmp, info
from worker.image.formats.bmp.header import DEFAULT_MASKS, Header, read_header

PALETTE = bytes((1, 2, 3, 0, 4, 5, 6, 0))
MASKS = (0xF00, 0xF0, 0xF, 0xF000)


def read(header: bytes, palette: bytes = b"", start: int | None = None) -> Header:
    return read_header(bmp(header, palette, bytes(64), start=start))


def test_the_oldest_header_has_a_palette_of_three_bytes() -> None:
    header = read(struct.pack("<IHHHH", 12, 5, 4, 1, 1), bytes((1, 2, 3, 4, 5, 6)))
    assert (header.width_px, header.height_px, header.depth, header.start) == (5, 4, 1, 32)
    assert header.palette[:3].tolist() == [[3, 2, 1], [6, 5, 4], [0, 0, 0]]


def test_the_palette_ends_where_the_pixels_begin() -> None:
    header = read(struct.pack("<IHHHH", 12, 5, 4, 1, 8), bytes(6))
    assert (header.colour_count, header.start) == (2, 32)


def test_a_header_may_end_early() -> None:
    header = read(struct.pack("<IIIHH", 16, 5, 4, 1, 8), PALETTE)
    assert (header.depth, header.colour_count, header.density) == (8, 2, None)


@pytest.mark.parametrize("start", [0, 10, 10_000, 2**32 - 1])
def test_pixels_that_begin_nowhere_follow_the_palette(start: int) -> None:
    assert read(info((5, 4), 8, colours=2), PALETTE, start).start == 14 + 40 + 8


def test_too_many_colours_are_cut() -> None:
    assert read(info((5, 4), 8, colours=2**31), bytes(1200)).colour_count == 256
    assert read(info((5, 4), 1, colours=0), PALETTE).palette[1].tolist() == [6, 5, 4]


@pytest.mark.parametrize("length", [40, 52, 56, 108, 124])
def test_masks_are_read_by_the_header_s_length(length: int) -> None:
    masks = MASKS if length >= 56 else MASKS[:3]
    header = read(info((5, 4), 16, 3, length=length, masks=masks))
    assert header.masks == (*MASKS[:3], MASKS[3] if length >= 56 else 0)


def test_masks_with_alpha_may_follow_a_short_header() -> None:
    header = read(info((5, 4), 32, 6, masks=MASKS), start=0)
    assert (header.masks, header.start) == (MASKS, 14 + 40 + 16)


def test_masks_count_only_where_the_compression_says_so() -> None:
    for depth in (16, 32):
        assert read(info((5, 4), depth, length=124, masks=MASKS)).masks == DEFAULT_MASKS[depth]
        masks = read(info((5, 4), depth, 3, masks=(0, 0, 0))).masks
        assert masks == (*DEFAULT_MASKS[depth][:3], 0)


def test_a_header_may_say_that_there_is_no_alpha() -> None:
    assert read(info((5, 4), 32, length=40)).masks[3]
    assert read(info((5, 4), 32, length=124, masks=MASKS)).masks[3]
    assert not read(info((5, 4), 32, length=124, masks=MASKS[:3])).masks[3]


def test_the_density_is_read() -> None:
    assert read(info((5, 4), 24, density=(11_811, 11_811))).density == (300, 300, 1)


def test_an_embedded_profile_is_read() -> None:
    profile = bytes(range(200))
    header = bytearray(info((5, 4), 24, length=124))
    header[56:60] = b"DEBM"
    header[112:120] = struct.pack("<II", 124 + 64, len(profile))
    data = bmp(bytes(header), b"", bytes(64)) + profile
    assert read_header(data).profile == profile
    assert read_header(data[:-1]).profile is None
    assert read_header(data.replace(b"DEBM", b"KNIL")).profile is None


@pytest.mark.parametrize(
    ("depth", "compression", "length", "name"),
    [
        (0, 4, 124, "JPEG"),
        (24, 5, 124, "PNG"),
        (1, 3, 64, "Huffman"),
        (64, 0, 40, "64 bits"),
        (3, 0, 40, "3 bits"),
        (8, 2, 40, "compression 2"),
        (24, 99, 40, "compression 99"),
    ],
)
def test_what_is_not_supported_is_named(
    depth: int, compression: int, length: int, name: str
) -> None:
    with pytest.raises(UnsupportedImageError, match=name):
        read(info((5, 4), depth, compression, length=length))


def test_a_truncated_header_is_an_error() -> None:
    data = bmp(info((5, 4), 16, 3, masks=(1, 2, 4)), b"", b"")
    for length in (12, 17, 25, 60):
        with pytest.raises(struct.error):
            read_header(data[:length])
