"""A JPEG's size is that of the frame before its first scan; other damage does not matter."""

import struct

import pytest

from contract.errors import CorruptImageError, UnsupportedImageError
from contract.image_headers.jpeg import MAX_GAP_BYTES, read_size
from contract.image_headers.steps import Steps, TooManyStepsError
from tests.photos import file_of, photo

JPEG = file_of(photo(33, 21), "JPEG")


def size_of(data: bytes, max_steps: int = 100) -> tuple[int, int]:
    """Return the size of a JPEG."""
    return read_size(data, Steps(max_steps))


def insert(data: bytes) -> bytes:
    """Return a JPEG with ``data`` before its first segment."""
    return JPEG[:2] + data + JPEG[2:]


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 1}])
def test_the_size_is_read(options: dict[str, int]) -> None:
    assert size_of(file_of(photo(33, 21), "JPEG", **options)) == (33, 21)


def change_frame(
    marker: int = 0xC0, precision: int = 8, height: int = 21, components: int = 3
) -> bytes:
    """Return a JPEG with another frame."""
    at = JPEG.index(b"\xff\xc0")
    fields = (marker, 8 + 3 * components, precision, height, 33, components)
    frame = b"\xff" + struct.pack(">BHBHHB", *fields) + bytes((1, 0x11, 0)) * components
    return JPEG[:at] + frame + JPEG[at + 19 :]


@pytest.mark.parametrize("marker", [*range(0xC0, 0xC4), 0xC9, 0xCA])
def test_a_frame_that_can_be_decoded_has_a_size(marker: int) -> None:
    assert size_of(change_frame(marker=marker)) == (33, 21)


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        *(({"marker": marker}, "Hierarchical") for marker in (0xC5, 0xC7, 0xCD, 0xCF, 0xDE)),
        ({"marker": 0xCB}, "Lossless JPEGs with arithmetic coding"),
        ({"marker": 0xF7}, "JPEG-LS"),
        ({"precision": 12}, "12 bits per sample"),
        ({"marker": 0xC2, "precision": 16}, "16 bits per sample"),
        ({"marker": 0xC9, "precision": 12}, "12 bits per sample"),
        ({"components": 2}, "2 components"),
        ({"components": 5}, "5 components"),
        ({"height": 0}, "DNL"),
    ],
)
def test_a_frame_that_can_not_be_decoded_is_refused_by_its_kind(
    fields: dict[str, int], kind: str
) -> None:
    with pytest.raises(UnsupportedImageError, match=kind):
        size_of(change_frame(**fields))


def test_a_frame_of_a_wrong_length_is_damaged() -> None:
    at = JPEG.index(b"\xff\xc0") + 9
    with pytest.raises(CorruptImageError):
        size_of(JPEG[:at] + b"\x4b" + JPEG[at + 1 :])


@pytest.mark.parametrize("fields", [{"precision": 0}, {"precision": 200}, {"components": 0}])
def test_impossible_numbers_are_left_to_the_decoder(fields: dict[str, int]) -> None:
    assert size_of(change_frame(**fields)) == (33, 21)


@pytest.mark.parametrize(
    "extra",
    [
        b"\xff\xff\xff",
        b"garbage",
        b"\xff\0\xff\x01\xff\xd0",
        b"\xff\x02\xff\xbf\xff\xf0",
        b"\xff" * MAX_GAP_BYTES,
        b"\xff\xd9\xff\xd8",
        b"\xff\xe0\0\0",
        b"\xff\xe0\0\x07JFIF\0",
        b"\xff\xe1" + struct.pack(">H", 40_000) + b"\xff\xc0" * 19_999,
        b"\xff\xe0\0\2" + bytes(MAX_GAP_BYTES - 1),
    ],
)
def test_damage_between_segments_is_skipped(extra: bytes) -> None:
    assert size_of(insert(extra)) == (33, 21)


def test_the_last_frame_before_the_scan_counts() -> None:
    assert size_of(insert(b"\xff\xc0\0\x0b\x08\0\1\0\1\1\1\x11\0")) == (33, 21)


@pytest.mark.parametrize("data", [b"\xff\xd8\xff\xda\0\2", b"\xff\xd8\xff\xe0\0\2" + bytes(100)])
def test_a_jpeg_without_a_frame_is_damaged(data: bytes) -> None:
    with pytest.raises(CorruptImageError):
        size_of(data)


def test_a_truncated_header_is_damaged() -> None:
    for length in range(3, JPEG.index(b"\xff\xda") + 2):
        with pytest.raises((struct.error, CorruptImageError)):
            size_of(JPEG[:length])


@pytest.mark.parametrize("piece", [b"\xff\x01", b"\xff\xd0", b"\xff\xe0\0\2"])
def test_the_number_of_pieces_is_limited(piece: bytes) -> None:
    assert size_of(insert(piece * 80)) == (33, 21)
    with pytest.raises(TooManyStepsError):
        size_of(insert(piece * 100))


@pytest.mark.parametrize("garbage", [b"\xff", b"\xff\0", b"\0"])
def test_garbage_is_limited_all_together(garbage: bytes) -> None:
    gap = garbage * (MAX_GAP_BYTES // len(garbage) // 2)
    segment = b"\xff\xe0\0\2"
    assert size_of(insert(segment + gap + segment + gap)) == (33, 21)
    with pytest.raises(CorruptImageError):
        size_of(insert(segment + gap + segment + gap + garbage * 9))
