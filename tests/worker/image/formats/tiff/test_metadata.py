"""Orientation, density and blocks of metadata come from the first directory."""

import pytest

from tests.worker.image.formats.tiff.tiff_files import (
    BYTE,
    LONG,
    RATIONAL,
    SHORT,
    Value,
    make_tiff,
    shape_tags,
)
from worker.image.formats.tiff import metadata
from worker.image.formats.tiff.directory import Directory
from worker.image.formats.tiff.metadata import read_metadata, read_orientation, read_profile
from worker.image.formats.tiff.read import read


def directory_of(tags: dict[int, Value]) -> Directory:
    return Directory(make_tiff([bytes(4)], shape_tags(2, 2) | tags))


@pytest.mark.parametrize("kind", [BYTE, SHORT, LONG, 6, 8, 9, 13])
def test_an_orientation_of_any_integer_type_counts(kind: int) -> None:
    assert read_orientation(directory_of({274: (kind, [6])})) == 6


@pytest.mark.parametrize("value", [(SHORT, [0]), (SHORT, [9]), (9, [-1]), (RATIONAL, [6, 0]), b""])
def test_an_orientation_out_of_range_is_upright(value: Value) -> None:
    assert read_orientation(directory_of({274: value})) == 1
    assert read_orientation(directory_of({})) == 1


@pytest.mark.parametrize(
    ("tags", "density"),
    [
        ({282: (RATIONAL, [300, 1]), 283: (RATIONAL, [600, 2])}, (300, 300, 1)),
        (
            {282: (RATIONAL, [1181, 10]), 283: (RATIONAL, [118, 1]), 296: (SHORT, [3])},
            (118, 118, 2),
        ),
        ({282: (RATIONAL, [1, 1]), 283: (RATIONAL, [2, 1]), 296: (SHORT, [1])}, (1, 2, 0)),
        ({282: (RATIONAL, [300, 1])}, None),
        ({282: (RATIONAL, [0, 1]), 283: (RATIONAL, [72, 1])}, None),
        ({282: (RATIONAL, [70_000, 1]), 283: (RATIONAL, [72, 1])}, None),
        ({282: (RATIONAL, [72, 1]), 283: (RATIONAL, [72, 1]), 296: (SHORT, [9])}, None),
        ({}, None),
    ],
)
def test_density(tags: dict[int, Value], density: tuple[int, int, int] | None) -> None:
    assert read_metadata(directory_of(tags)).density == density


def test_blocks_are_handed_over_as_they_are() -> None:
    tags: dict[int, Value] = {
        700: b"<xmp>",
        34377: b"8BIM resources",
        34675: b"profile",
        33723: b"\x1ciptc",
    }
    directory = directory_of(tags)
    found = read_metadata(directory)
    assert found.xmp == b"<xmp>"
    assert found.image_resources == b"8BIM resources"
    assert found.exif == directory.data
    assert read_profile(directory) == b"profile"


def test_iptc_alone_becomes_an_image_resource() -> None:
    expected = b"8BIM\x04\x04\0\0\0\0\0\5\x1c\2\5ab\0"
    assert read_metadata(directory_of({33723: b"\x1c\2\5ab"})).image_resources == expected
    # Some writers have longs.
    longs = (LONG, [0x6105021C, 0x64636261])
    found = read_metadata(directory_of({33723: longs})).image_resources
    assert found == b"8BIM\x04\x04\0\0\0\0\0\x08\x1c\2\5aabcd"
    assert read_metadata(directory_of({33723: b"no IPTC"})).image_resources is None


def test_blocks_that_are_too_long_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "LONGEST_BYTES", 4)
    tags: dict[int, Value] = {700: b"<xmp>", 34675: b"profile", 34377: b"8BIMx"}
    found = read_metadata(directory_of(tags))
    assert (found.xmp, found.image_resources) == (None, None)
    assert read_profile(directory_of(tags)) is None


def test_a_photo_has_them() -> None:
    stored = read(directory_of({274: 3, 700: b"<xmp>"}).data)
    assert stored.orientation == 3
    assert stored.metadata.xmp == b"<xmp>"
