"""Values of all types are read in both orders; what lies outside of the file never is."""

import pytest

from contract.errors import CorruptImageError
from tests.worker.image.formats.tiff.tiff_files import (
    ASCII,
    FLOAT,
    FORMATS,
    LONG,
    RATIONAL,
    SHORT,
    make_tiff,
)
from worker.image.formats.tiff.directory import Directory

SIZE = {256: 3, 257: 2}


def directory_of(tags: dict[int, object], **options: object) -> Directory:
    return Directory(make_tiff([b""], SIZE | tags, **options))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("is_big", [False, True])
@pytest.mark.parametrize("kind", [1, 3, 4, 6, 8, 9, 13, 16, 17, 18])
@pytest.mark.parametrize("count", [1, 9])
def test_integers_of_all_types_are_read(order: str, is_big: bool, kind: int, count: int) -> None:
    directory = directory_of({300: (kind, range(1, count + 1))}, order=order, is_big=is_big)
    assert list(directory.integers(300, 100)) == list(range(1, count + 1))
    assert list(directory.integers(300, 4)) == list(range(1, min(count, 4) + 1))
    assert directory.integer(300) == 1
    assert directory.count(300) == count
    assert list(directory.numbers(300, 1)) == [1.0]


def test_a_missing_tag_has_its_default() -> None:
    directory = directory_of({})
    assert directory.integer(300, 7) == 7
    assert len(directory.integers(300, 9)) == len(directory.numbers(300, 9)) == 0
    assert directory.content(300, 9) is None
    assert directory.count(300) == 0
    assert 300 not in directory
    assert 256 in directory


@pytest.mark.parametrize("kind", [ASCII, RATIONAL, FLOAT])
def test_a_number_of_another_type_is_no_integer(kind: int) -> None:
    value = (kind, [b"9"]) if kind == ASCII else (kind, [9, 1])
    directory = directory_of({300: value})
    assert kind in FORMATS
    with pytest.raises(CorruptImageError, match="300 is not an integer"):
        directory.integer(300)


def test_fractions_are_read() -> None:
    directory = directory_of(
        {300: (RATIONAL, [1, 2, 6, 2]), 301: (10, [-1, 4]), 302: (FLOAT, [0.5])}
    )
    assert list(directory.numbers(300, 2)) == [0.5, 3.0]
    assert list(directory.numbers(300, 1)) == [0.5]
    assert list(directory.numbers(301, 1)) == [-0.25]
    assert list(directory.numbers(302, 1)) == [0.5]


def test_a_fraction_of_nothing_is_no_number() -> None:
    assert len(directory_of({300: (RATIONAL, [1, 0])}).numbers(300, 1)) == 0


def test_values_outside_of_the_file_are_missing() -> None:
    data = make_tiff([b""], SIZE | {300: (LONG, [1, 2, 3])})
    at = data.index(bytes((44, 1, 4, 0))) + 8
    directory = Directory(data[:at] + b"\xff\xff\xff\x7f" + data[at + 4 :])
    with pytest.raises(CorruptImageError, match="300 are missing"):
        directory.integers(300, 3)
    assert directory.content(300, 100) is None
    assert len(directory.numbers(300, 3)) == 0


def test_content_is_all_bytes_up_to_a_limit() -> None:
    directory = directory_of({300: b"abcdef", 301: (SHORT, [0x6261, 0x6463, 0x6665]), 302: b"ab"})
    for number in (300, 301):
        assert directory.content(number, 6) == b"abcdef"
        assert directory.content(number, 5) is None
    assert directory.content(302, 2) == b"ab"


def test_the_first_tag_with_a_value_counts() -> None:
    data = bytearray(make_tiff([b""], SIZE | {300: 5, 301: 6, 302: 7}))
    for old, count in ((300, 0), (301, 1), (302, 1)):
        at = data.index(old.to_bytes(2, "little") + b"\4\0")
        data[at : at + 8] = (300).to_bytes(2, "little") + b"\4\0" + count.to_bytes(4, "little")
    assert Directory(bytes(data)).integer(300) == 6


def test_the_size_is_read() -> None:
    directory = directory_of({})
    assert (directory.width_px, directory.height_px) == (3, 2)
    assert directory.order == "<"
