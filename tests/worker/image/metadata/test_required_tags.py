"""EXIF of a format other than JPEG gets the tags that it must have in a JPEG, and they are true."""

import struct
from typing import Any

import pytest

from contract.messages import Metadata
from tests.worker.image.metadata.tiff_structures import Tag, Tags, build, parse, text
from worker.image.metadata.exif import write_exif
from worker.image.metadata.geometry import Geometry
from worker.image.metadata.required_tags import Coding
from worker.image.segment_names import EXIF_NAME

ORDERS = ["<", ">"]
EXIF, GPS, ARTIST, MAKER_NOTE = 0x8769, 0x8825, 0x013B, 0x927C
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT, CHROMA_POSITIONING = 0x011A, 0x011B, 0x0128, 0x0213
COLOUR = Coding(3, has_profile=False, density=None)
TURNED, UPRIGHT = Geometry((16, 12), 6, (12, 16)), Geometry((12, 16), 1, (12, 16))
BARE: Tags = {ARTIST: text("A"), EXIF: {0x829A: Tag(5, [1, 100])}, GPS: {0x0001: text("N")}}


def write(
    tags: Tags, order: str = ">", coding: Coding | None = COLOUR, keep: Metadata = "all"
) -> Any:
    payload = write_exif(build(tags, order), keep, TURNED, 65_533, coding)
    assert payload is not None
    return parse(payload[len(EXIF_NAME) :])


def pack(kind: int, values: list[float], order: str) -> Tag:
    return Tag(kind, Tag(kind, values).pack(order))


@pytest.mark.parametrize("order", ORDERS)
def test_each_directory_gets_what_it_must_have(order: str) -> None:
    kept = write(BARE, order)
    assert kept[X_RESOLUTION] == kept[Y_RESOLUTION] == pack(5, [72, 1], order)
    assert kept[RESOLUTION_UNIT] == pack(3, [2], order)
    assert kept[CHROMA_POSITIONING] == pack(3, [1], order)
    assert kept[EXIF] == {
        0x829A: pack(5, [1, 100], order),
        0x9000: Tag(7, b"0232"),
        0x9101: Tag(7, b"\1\2\3\0"),
        0xA000: Tag(7, b"0100"),
        0xA001: pack(3, [1], order),
        0xA002: pack(4, [12], order),
        0xA003: pack(4, [16], order),
    }
    assert kept[GPS] == {0x0000: Tag(1, b"\2\3\0\0"), 0x0001: Tag(2, b"N\0")}


def test_nothing_is_added_without_a_directory_for_it() -> None:
    assert set(write({ARTIST: text("A")})) == {
        *(ARTIST, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT, CHROMA_POSITIONING)
    }
    assert set(write(BARE, keep="copyright")) == set(write({ARTIST: text("A")}))
    assert write_exif(build({X_RESOLUTION: Tag(5, [1, 1])}), "all", TURNED, 9999, COLOUR) is None


def test_exif_of_a_jpeg_stays_as_it_is() -> None:
    assert write(BARE, coding=None) == parse(build(BARE))


def test_what_there_is_stays_as_it_is() -> None:
    tags = {
        ARTIST: text("A"),
        X_RESOLUTION: Tag(5, [300, 1]),
        Y_RESOLUTION: Tag(5, [300, 1]),
        RESOLUTION_UNIT: Tag(3, [3]),
        CHROMA_POSITIONING: Tag(3, [1]),
        EXIF: {
            0x9000: Tag(7, b"0210"),
            0x9101: Tag(7, b"\4\5\6\0"),
            0xA000: Tag(7, b"0101"),
            0xA001: Tag(3, [2]),
            0xA002: Tag(3, [12]),
            0xA003: Tag(3, [16]),
        },
        GPS: {0x0000: Tag(1, [2, 2, 0, 0])},
    }
    assert write(tags) == parse(build(tags))


def test_components_and_colours_are_those_of_the_result() -> None:
    kept = write(BARE, coding=Coding(1, has_profile=True, density=None))
    assert kept[EXIF][0x9101] == Tag(7, b"\1\0\0\0")
    assert kept[EXIF][0xA001] == pack(3, [0xFFFF], ">")


@pytest.mark.parametrize(("unit", "number"), [(0, 1), (1, 2), (2, 3)])
def test_the_resolution_is_the_density_if_there_is_one(unit: int, number: int) -> None:
    kept = write(BARE, coding=Coding(3, has_profile=False, density=(300, 150, unit)))
    assert kept[X_RESOLUTION] == pack(5, [300, 1], ">")
    assert kept[Y_RESOLUTION] == pack(5, [150, 1], ">")
    assert kept[RESOLUTION_UNIT] == pack(3, [number], ">")


@pytest.mark.parametrize("tag", [X_RESOLUTION, Y_RESOLUTION])
def test_a_resolution_in_one_direction_is_that_in_both(tag: int) -> None:
    coding = Coding(3, has_profile=False, density=(300, 150, 2))
    kept = write({ARTIST: text("A"), tag: Tag(5, [96, 1])}, coding=coding)
    assert kept[X_RESOLUTION] == kept[Y_RESOLUTION] == pack(5, [96, 1], ">")
    assert kept[RESOLUTION_UNIT] == pack(3, [2], ">")


@pytest.mark.parametrize("order", ORDERS)
def test_maker_notes_stay_where_they_are(order: str) -> None:
    note = b"offsets count from the beginning of EXIF"
    data = build({**BARE, EXIF: {0x829A: Tag(5, [1, 100]), MAKER_NOTE: Tag(7, note)}}, order)
    payload = write_exif(data, "all", UPRIGHT, 65_533, COLOUR)
    assert payload is not None
    written = payload[len(EXIF_NAME) :]
    assert written.index(note) == data.index(note)
    kept: Any = parse(written)
    assert kept[EXIF][MAKER_NOTE] == Tag(7, note)
    assert kept[EXIF][0x9101] == Tag(7, b"\1\2\3\0")
    assert kept[X_RESOLUTION] == pack(5, [72, 1], order)
    assert write_exif(written, "all", UPRIGHT, 65_533) == payload


def test_values_that_only_a_bigtiff_s_entry_can_hold_get_a_place() -> None:
    def table(*entries: tuple[int, int, int, bytes]) -> bytes:
        packed = (struct.pack("<HHQ", *head) + value.ljust(8, b"\0") for *head, value in entries)
        return struct.pack("<Q", len(entries)) + b"".join(packed) + bytes(8)

    note, author, start = b"m" * 40, b"author\0", 72
    root = table((ARTIST, 2, len(author), author), (EXIF, 4, 1, bytes([start])))
    details = table((MAKER_NOTE, 7, len(note), bytes([start + 36])))
    data = b"II+\0" + struct.pack("<HHQ", 8, 0, 16) + root + details + note
    payload = write_exif(data, "all", UPRIGHT, 65_533, COLOUR)
    assert payload is not None
    kept: Any = parse(payload[len(EXIF_NAME) :])
    assert kept[ARTIST] == Tag(2, author)
    assert kept[EXIF][MAKER_NOTE] == Tag(7, note)
