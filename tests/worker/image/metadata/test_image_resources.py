"""IPTC is kept with a few other image resources, whole or as author and rights."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from contract.messages import Metadata
from tests.photos import file_of, photo
from tests.worker.image.metadata.tiff_structures import find_faults
from tests.worker.image.tagged_uploads import read_tags
from worker.image.metadata.geometry import Geometry
from worker.image.metadata.image_resources import NAME, write_image_resources
from worker.image.metadata.segments import insert, write_segments
from worker.image.samples import RawMetadata

SAME = Geometry((8, 6), 1, (8, 6))
TURNED = Geometry((8, 6), 6, (6, 8))
LONGEST_BYTES = 65_533
RESOLUTION, IPTC, THUMBNAIL, COPYRIGHT_FLAG, URL, DIGEST = (
    0x03ED,
    0x0404,
    0x040C,
    0x040A,
    0x040B,
    0x0425,
)


def data_set(record: int, number: int, value: bytes) -> bytes:
    return bytes((0x1C, record, number)) + len(value).to_bytes(2, "big") + value


def resource(number: int, data: bytes, name: bytes = b"\0\0") -> bytes:
    head = b"8BIM" + number.to_bytes(2, "big") + name
    return head + len(data).to_bytes(4, "big") + data + bytes(len(data) % 2)


CHARACTERS, VERSION = data_set(1, 90, b"\x1b%G"), data_set(2, 0, b"\0\4")
BYLINE, CREDIT = data_set(2, 80, "José".encode()), data_set(2, 110, b"Agency")
NOTICE = data_set(2, 116, "© José".encode())
CITY, SOURCE = data_set(2, 90, "Łódź".encode()), data_set(2, 115, b"a source")
DATA_SETS = CHARACTERS + VERSION + BYLINE + CITY + CREDIT + SOURCE + NOTICE
AUTHOR = CHARACTERS + VERSION + BYLINE + CREDIT + NOTICE


def digest(iptc: bytes) -> bytes:
    return resource(DIGEST, hashlib.md5(iptc, usedforsecurity=False).digest())


def write(
    resources: bytes,
    keep: Metadata = "all",
    geometry: Geometry = SAME,
    longest_bytes: int = LONGEST_BYTES,
) -> bytes | None:
    payload = write_image_resources(resources, keep, geometry, longest_bytes)
    assert payload is None or payload.startswith(NAME)
    return payload[len(NAME) :] if payload else None


def test_iptc_is_kept_byte_for_byte_with_its_digest() -> None:
    kept = resource(IPTC, DATA_SETS, b"\3abc") + digest(DATA_SETS)
    dropped = (
        resource(THUMBNAIL, b"thumbnail") + resource(0x0422, b"EXIF") + resource(2000, b"a path")
    )
    assert write(dropped + kept + dropped) == kept
    url = resource(URL, b"http://example.org") + resource(COPYRIGHT_FLAG, b"\1")
    assert write(url + kept) == url + kept


def test_copyright_keeps_author_and_rights_only() -> None:
    url = resource(URL, b"http://example.org") + resource(COPYRIGHT_FLAG, b"\1")
    uploaded = (
        resource(RESOLUTION, bytes(range(16))) + resource(IPTC, DATA_SETS) + digest(DATA_SETS) + url
    )
    assert write(uploaded, "copyright") == resource(IPTC, AUTHOR) + url


@pytest.mark.parametrize("kept", [b"", CITY, CHARACTERS + VERSION + CITY])
def test_without_author_and_rights_copyright_keeps_nothing(kept: bytes) -> None:
    assert write(resource(IPTC, kept) + resource(COPYRIGHT_FLAG, b"\0"), "copyright") is None


def test_previews_and_other_objects_are_left_out_and_the_digest_follows() -> None:
    preview = data_set(2, 200, b"\0\1") + data_set(2, 202, b"\xff\xd8") + data_set(3, 20, b"\1\0")
    preview += bytes((0x1C, 8, 10, 0x80, 4)) + (70_000).to_bytes(4, "big") + bytes(70_000)
    uploaded = VERSION + preview + CITY
    written = write(resource(IPTC, uploaded) + digest(uploaded))
    assert written == resource(IPTC, VERSION + CITY) + digest(VERSION + CITY)
    assert write(resource(IPTC, preview) + digest(preview)) is None


def test_resolutions_change_places_with_the_sides() -> None:
    across, down = b"\1\x2c\0\0\0\1\0\2", b"\0\x48\0\0\0\1\0\2"
    uploaded = resource(RESOLUTION, across + down)
    assert write(uploaded) == uploaded
    assert write(uploaded, geometry=TURNED) == resource(RESOLUTION, down + across)
    assert write(resource(RESOLUTION, b"short"), geometry=TURNED) == resource(RESOLUTION, b"short")


@pytest.mark.parametrize(
    "damage",
    [
        b"8BIM",
        b"nonsense that goes on",
        b"8BIM\4\4\xff",
        b"8BIM\4\4\0\0\xff\xff\xff\xff",
        b"8BIM\4\4\0\0\0\0\0\x09too short",
        b"8BIM\4\4\0\0\0\0",
    ],
)
def test_damage_ends_the_resources(damage: bytes) -> None:
    kept = resource(IPTC, DATA_SETS)
    assert write(kept + damage[:-1]) == kept
    assert write(damage[:-1] + kept) is None


@pytest.mark.parametrize(
    "damage", [b"\x1c", b"\x1c\2\x50\0\5Jos", b"\x1c\2\x50\x80\5Jos", b"Jos", bytes(5)]
)
def test_damage_ends_the_data_sets(damage: bytes) -> None:
    assert write(resource(IPTC, DATA_SETS + damage), "copyright") == resource(IPTC, AUTHOR)
    assert write(resource(IPTC, damage)) is None


def test_resources_of_other_programs_are_passed_over() -> None:
    kept = resource(IPTC, DATA_SETS)
    assert write(b"MeSa" + resource(7000, b"x")[4:] + kept) == kept


def test_resources_that_are_too_long_are_left_out() -> None:
    uploaded = resource(URL, b"x" * 100)
    assert write(uploaded, longest_bytes=len(NAME) + len(uploaded)) == uploaded
    assert write(uploaded, longest_bytes=len(NAME) + len(uploaded) - 1) is None


@pytest.mark.parametrize("keep", ["copyright", "all"])
def test_others_read_it(keep: Any, tmp_path: Path) -> None:
    metadata = RawMetadata(image_resources=resource(IPTC, DATA_SETS) + digest(DATA_SETS))
    jpeg = insert(file_of(photo(), "JPEG"), write_segments(metadata, keep, SAME, None))
    tags = read_tags(jpeg, tmp_path)
    assert tags["IPTC:By-line"] == "José"
    assert tags["IPTC:CopyrightNotice"] == "© José"
    assert tags.get("IPTC:City") == ("Łódź" if keep == "all" else None)
    assert not find_faults(jpeg, tmp_path)
