"""A gain map is found however it is listed; nothing outside of the file or inside the photo is one."""

import io
import time

import pytest
from PIL import Image

from tests.photos import file_of, photo
from tests.worker.image.ultra_hdr import ISO, UltraHdr, app, list_items, write_xmp
from worker.image.gain_map import iso_metadata
from worker.image.gain_map.location import find_end, find_gain_map

XMP_NAME = b"http://ns.adobe.com/xap/1.0/\0"


@pytest.mark.parametrize("listed", ["has_index", "has_directory", "neither"])
@pytest.mark.parametrize("behind", [b"", b"\0\0\0\x18ftypmp42 video"])
def test_one_listing_suffices_and_so_does_the_place_behind_the_photo(
    listed: str, behind: bytes
) -> None:
    shown = {name: name == listed for name in ("has_index", "has_directory")}
    upload = UltraHdr(behind=behind, **shown)
    found = find_gain_map(upload.write())
    assert found is not None
    assert found.jpeg == upload.write_map()
    assert found.numbers == iso_metadata.read(ISO)


@pytest.mark.parametrize("listed", ["has_index", "has_directory"])
def test_something_may_lie_before_a_listed_gain_map(listed: str) -> None:
    shown = {name: name == listed for name in ("has_index", "has_directory")}
    upload = UltraHdr(between=b"a depth map, or so", **shown)
    found = find_gain_map(upload.write())
    assert found is not None
    assert found.jpeg == upload.write_map()


def test_of_several_pictures_the_one_with_a_gain_map_s_numbers_is_it() -> None:
    other = file_of(photo(16, 16), "JPEG")
    upload = UltraHdr(between=other)
    assert find_gain_map(upload.write()) == find_gain_map(UltraHdr().write())


def test_an_index_that_a_program_has_not_updated_does_not_lose_the_gain_map() -> None:
    data = UltraHdr(has_directory=False).write()
    at = data.index(b"MPF\0") - 4
    longer = data[: at + 90 + 20] + app(13, b"edited") + data[at + 90 + 20 :]
    assert find_gain_map(longer) is not None


@pytest.mark.parametrize(
    "entries",
    [
        [(4_000_000_000, 4_000_000_000)],
        [(1000, 0)],
        [(0, 900)],
        [(4_000_000_000, 1)],
        [(1, 1)],
        [(10, offset) for offset in range(1000)],
    ],
)
def test_no_entry_leads_outside_or_into_the_photo(entries: list[tuple[int, int]]) -> None:
    upload = UltraHdr(numbers=None, iso=None, has_directory=False)
    assert find_gain_map(upload.write(entries)) is None
    # The gain map behind the photo is found in spite of them.
    assert find_gain_map(UltraHdr(has_directory=False).write(entries)) is not None


def test_a_picture_inside_of_the_photo_is_no_gain_map() -> None:
    upload = UltraHdr(numbers=None, iso=None, has_directory=False)
    inside = UltraHdr().write_map()
    data = upload.write()
    at = data.index(b"MPF\0") + 86
    origin = data.index(b"MPF\0") + 4
    data = upload.write([(len(inside), at + 4 - origin)])
    data = data[:at] + app(5, inside) + data[at:]
    assert data[at + 4 :].startswith(inside)
    assert find_gain_map(data) is None


def test_the_photo_is_not_its_own_gain_map() -> None:
    jpeg = file_of(photo(), "JPEG")
    described = jpeg[:2] + app(2, iso_metadata.NAME + ISO) + jpeg[2:]
    assert find_gain_map(described) is None


def test_a_gain_map_without_an_end_is_none() -> None:
    data = UltraHdr().write()
    for cut in (2, 100, len(UltraHdr().write_map()) - 4):
        assert find_gain_map(data[:-cut]) is None


def test_a_photo_without_an_end_has_none() -> None:
    assert find_gain_map(file_of(photo(), "JPEG")[:-2]) is None
    assert find_gain_map(b"\xff\xd8\xff") is None


@pytest.mark.parametrize(
    "directory",
    [
        list_items('Item:Semantic="Primary"', 'Item:Semantic="GainMap" Item:Length="-5"'),
        list_items('Item:Semantic="Primary"', 'Item:Semantic="GainMap" Item:Length="9999999999"'),
        list_items(
            'Item:Semantic="Primary"', f'Item:Semantic="GainMap" Item:Length="{"9" * 5000}"'
        ),
        list_items(*['Item:Semantic="Primary" Item:Length="1"'] * 500),
        "<Container:Directory>" * 500 + "</Container:Directory>" * 500,
        "<Container:Directory/>",
        "<",
    ],
)
def test_an_odd_directory_is_left_alone(directory: str) -> None:
    packet = write_xmp({"Version": "1.0"}, directory)
    plain = UltraHdr(has_directory=False, has_index=False).write()
    found = find_gain_map(plain[:2] + app(1, XMP_NAME + packet) + plain[2:])
    assert found is not None


def test_entities_are_not_expanded() -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 20))
    packet = f'<!DOCTYPE x [<!ENTITY e0 "x">{entities}]><x>&e19;</x>'.encode()
    plain = UltraHdr(has_directory=False, has_index=False).write()
    started_s = time.perf_counter()
    assert find_gain_map(plain[:2] + app(1, XMP_NAME + packet) + plain[2:]) is not None
    assert time.perf_counter() - started_s < 1


def test_many_long_candidates_are_not_all_looked_through() -> None:
    head = b"\xff\xd8" + app(2, iso_metadata.NAME + ISO)
    jpeg = file_of(photo(16, 16), "JPEG")
    endless = (head + jpeg[2:-2]) * 15 + b"\xff" * 4_000_000
    length = len(head + jpeg[2:-2])
    upload = UltraHdr(has_directory=False, numbers=None, iso=None)
    shown = upload.write([(1, 1)] * 15)
    photo_end = find_end(shown)
    assert photo_end is not None
    origin = shown.index(b"MPF\0") + 4
    entries = [
        (len(endless) - number * length, photo_end - origin + number * length)
        for number in range(15)
    ]
    data = upload.write(entries)[:photo_end] + endless
    started_s = time.perf_counter()
    assert find_gain_map(data) is None
    assert time.perf_counter() - started_s < 2


def test_the_end_is_that_of_the_picture_not_of_its_thumbnail() -> None:
    thumbnail = file_of(photo(16, 16), "JPEG")
    jpeg = file_of(photo(), "JPEG", progressive=True, restart_marker_rows=1)
    whole = jpeg[:2] + app(1, thumbnail) + jpeg[2:]
    assert find_end(whole + b"behind") == len(whole)
    assert find_end(jpeg[:-2]) is None
    with Image.open(io.BytesIO(whole)) as opened:
        opened.load()
