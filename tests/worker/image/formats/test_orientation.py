"""The orientation is read from any integer type; damage means upright."""

import struct

import pytest

from tests.worker.image.tagged_uploads import make_exif
from worker.image.formats.orientation import read_orientation


def exif(kind: int, value: bytes, order: str = ">", count: int = 1) -> bytes:
    """Return EXIF with an orientation only."""
    start = b"MM\0*" if order == ">" else b"II*\0"
    return (
        start
        + struct.pack(order + "IHHHI", 8, 1, 0x0112, kind, count)
        + value.ljust(4, b"\0")
        + bytes(4)
    )


def test_the_orientation_of_pillow_s_exif_is_read() -> None:
    assert read_orientation(make_exif(orientation=6).tobytes().removeprefix(b"Exif\0\0")) == 6


@pytest.mark.parametrize(
    ("kind", "value"),
    [(1, b"\7"), (3, b"\0\7"), (4, b"\0\0\0\7"), (6, b"\7"), (8, b"\0\7"), (9, b"\0\0\0\7")],
)
def test_any_integer_type_is_read(kind: int, value: bytes) -> None:
    assert read_orientation(exif(kind, value)) == 7
    assert read_orientation(exif(kind, value[::-1], "<")) == 7


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"MM\0*",
        b"garbage" * 9,
        exif(3, b"\0\x09"),
        exif(3, b"\0\0"),
        exif(2, b"6"),
        exif(3, b"\0\6", count=0),
    ],
)
def test_damage_means_upright(content: bytes | None) -> None:
    assert read_orientation(content) == 1


def test_a_directory_without_an_end_means_upright() -> None:
    assert read_orientation(b"MM\0*\0\0\0\x08\xff\xff" + bytes(12) * 65_535) == 1


def test_tags_before_the_orientation_may_be_anything() -> None:
    content = b"MM\0*" + struct.pack(">IHHHI4xHHIH", 8, 9, 0x010F, 2, 9, 0x0112, 3, 1, 8)
    assert read_orientation(content + b"\0\0") == 8
