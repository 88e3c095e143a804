"""An AVIF's size is that of its primary item, or of an animation's track."""

import struct

import pytest
from PIL import Image

from contract.errors import CorruptImageError
from contract.image_headers.avif import read_brands, read_size
from contract.image_headers.steps import Steps, TooManyStepsError
from tests.contract.image_headers.heif_files import box, full_box
from tests.photos import file_of, photo

AVIF = file_of(photo(33, 21), "AVIF", speed=10)
FRAMES = [Image.fromarray(photo(33, 21, seed)) for seed in (1, 2)]
ANIMATED = file_of(FRAMES[0], "AVIF", speed=10, save_all=True, append_images=FRAMES[1:])


def track(width_px: int, height_px: int, version: int = 0) -> bytes:
    """Return a TrackBox that says no more than a size."""
    size = struct.pack(">II", width_px << 16, height_px << 16)
    return box(b"trak", full_box(b"tkhd", bytes(88 if version else 76)[4:] + size, version))


def animation(*tracks: bytes) -> bytes:
    """Return an animation with these tracks."""
    return box(b"ftyp", b"avis\0\0\0\0avis") + box(b"moov", box(b"mvhd") + b"".join(tracks))


@pytest.mark.parametrize("data", [AVIF, ANIMATED])
def test_the_size_is_read(data: bytes) -> None:
    assert read_size(data, Steps(100)) == (33, 21)


def test_an_orientation_does_not_matter() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = file_of(photo(33, 21), "AVIF", speed=10, exif=exif)
    assert b"irot" in data
    assert read_size(data, Steps(100)) == (33, 21)


@pytest.mark.parametrize("version", [0, 1])
def test_the_largest_track_counts(version: int) -> None:
    data = animation(track(8, 8), track(33, 21, version), track(9, 9))
    assert read_size(data, Steps(100)) == (33, 21)


@pytest.mark.parametrize(
    "data",
    [
        AVIF[: AVIF.index(b"meta") - 4],
        animation(),
        animation(box(b"trak", box(b"mdia"))),
    ],
)
def test_an_avif_without_a_picture_is_damaged(data: bytes) -> None:
    with pytest.raises(CorruptImageError):
        read_size(data, Steps(100))


def test_a_truncated_header_is_damaged() -> None:
    for length in range(16, AVIF.index(b"ipma")):
        with pytest.raises((struct.error, CorruptImageError)):
            read_size(AVIF[:length], Steps(100))


def test_brands_are_listed() -> None:
    assert read_brands(box(b"ftyp", b"mif1\0\0\0\0avifmiaf") + b"abcd", Steps(9)) == [
        b"mif1",
        b"avif",
        b"miaf",
    ]
    assert read_brands(b"\0\0\0\x08free" + bytes(20), Steps(9)) == []
    with pytest.raises(TooManyStepsError):
        read_brands(b"\xff\xff\xff\xffftypmif1" + bytes(400), Steps(9))
