"""A HEIC's size is that of its primary item; what is coded otherwise is named."""

import struct

import pytest

from contract.errors import CorruptImageError, UnsupportedImageError
from contract.image_headers.heic import OTHER_CODECS, read_size
from contract.image_headers.read import ImageHeader, read_header
from contract.image_headers.steps import Steps, TooManyStepsError
from tests.contract.image_headers.heif_files import HeifItem, box, heif_file, make_grid

TILE = HeifItem(b"hvc1", b"bits", (64, 48))
STILL = heif_file([TILE], b"heic")


def test_the_size_is_that_of_the_primary_item() -> None:
    thumbnail = HeifItem(b"hvc1", b"bits", (8, 6))
    assert read_header(heif_file([TILE, thumbnail], b"heic")) == ImageHeader("HEIC", 64, 48)
    grid = heif_file(make_grid(2, 3, (190, 90), TILE), b"heic")
    assert read_size(grid, Steps(200)) == (190, 90)


def test_a_phone_s_photo_of_48_tiles_takes_few_steps() -> None:
    data = heif_file(make_grid(6, 8, (4032, 3024), TILE), b"heic")
    assert read_size(data, Steps(450)) == (4032, 3024)


@pytest.mark.parametrize("kind", OTHER_CODECS)
def test_other_codecs_are_named(kind: bytes) -> None:
    data = heif_file([HeifItem(kind, b"bits", (64, 48))], b"mif1").replace(b"avif", b"mif1")
    with pytest.raises(UnsupportedImageError, match=f"with {OTHER_CODECS[kind]} are not"):
        read_header(data)


def test_a_sequence_without_a_still_picture_is_not_supported() -> None:
    ftyp = box(b"ftyp", b"hevc\0\0\0\0hevc")
    with pytest.raises(UnsupportedImageError, match="sequences"):
        read_header(ftyp + box(b"moov", box(b"mvhd")))
    assert read_size(STILL + box(b"moov", box(b"mvhd")), Steps(99)) == (64, 48)


@pytest.mark.parametrize("codec", [b"heic", b"avif"])
def test_the_low_overhead_form_is_named(codec: bytes) -> None:
    for brands in (codec, codec + codec, codec + b"\0\0\0\0"):
        data = box(b"ftyp", b"mif3" + brands) + box(b"mini", b"\x08\x08\x80")
        with pytest.raises(UnsupportedImageError, match="low-overhead"):
            read_header(data)


def test_a_heic_without_a_picture_is_damaged() -> None:
    for data in (STILL[: STILL.index(b"meta") - 4], STILL.replace(b"pitm", b"free")):
        with pytest.raises(CorruptImageError):
            read_size(data, Steps(99))


def test_a_truncated_header_is_damaged() -> None:
    for length in range(16, STILL.index(b"ipma")):
        with pytest.raises((struct.error, CorruptImageError)):
            read_size(STILL[:length], Steps(99))


def test_steps_are_limited() -> None:
    with pytest.raises(TooManyStepsError):
        read_size(STILL, Steps(5))
