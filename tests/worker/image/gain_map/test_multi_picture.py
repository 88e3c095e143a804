"""The index of pictures is read in both byte orders, and written with true lengths and offsets."""

import struct

import pytest

from tests.photos import file_of, photo
from tests.worker.image.ultra_hdr import app, write_index
from worker.image.gain_map.multi_picture import SEGMENT_BYTES, append_picture, list_pictures

JPEG = file_of(photo(16, 16), "JPEG")


def with_index(index: bytes) -> bytes:
    return JPEG[:2] + app(2, index) + JPEG[2:]


@pytest.mark.parametrize("order", ["<", ">"])
def test_places_count_from_the_byte_order(order: str) -> None:
    data = with_index(write_index(1000, [(50, 900), (60, 950), (70, 0)], order))
    assert list(list_pictures(data)) == [(910, 50), (960, 60)]


def test_a_file_without_an_index_lists_none() -> None:
    assert not list(list_pictures(JPEG))


def test_of_many_entries_the_first_are_read() -> None:
    assert len(list(list_pictures(with_index(write_index(1000, [(5, 9)] * 1000))))) == 15


@pytest.mark.parametrize("cut", [6, 12, 40, 60, 90])
def test_an_index_that_is_cut_is_an_error(cut: int) -> None:
    with pytest.raises(struct.error):
        list(list_pictures(with_index(write_index(1000, [(5, 9), (6, 9)])[:cut])))


def test_a_written_index_leads_to_the_picture() -> None:
    picture = file_of(photo(24, 8), "JPEG")
    first = JPEG[:20] + app(1, b"Exif\0\0") + app(13, b"Photoshop") + app(15, b"mark") + JPEG[20:]
    data = append_picture(first, picture)
    ((start, length),) = list_pictures(data)
    assert data[start : start + length] == picture
    assert start + length == len(data)
    assert len(data) == len(first) + SEGMENT_BYTES + len(picture)
    assert data.index(b"Photoshop") < data.index(b"MPF\0") < data.index(b"mark")
    assert struct.pack(">II", start, 0) in data  # the photo's own entry
