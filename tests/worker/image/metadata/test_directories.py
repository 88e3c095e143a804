"""Directories of EXIF are read as far as they are sound, and written so that others read the same."""

import random
import struct
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.worker.image.metadata.tiff_structures import Tag, build, parse
from worker.image.metadata.directories import (
    Directory,
    Entry,
    pack,
    read_directories,
    write_directories,
)

LONGEST_BYTES = 65_533
EXIF, GPS, INTEROPERABILITY = 0x8769, 0x8825, 0xA005
ORDERS = ["<", ">"]

tags = st.dictionaries(
    st.integers(1, 0xFFFF).filter(lambda number: number not in {EXIF, GPS, INTEROPERABILITY}),
    st.one_of(
        st.builds(Tag, st.sampled_from([1, 2, 6, 7]), st.binary(min_size=1, max_size=40)),
        st.builds(
            lambda kind, values: Tag(kind, values[: len(values) // 8 * 8]),
            st.sampled_from([3, 4, 5, 8, 9, 10, 11, 12]),
            st.binary(min_size=8, max_size=40),
        ),
    ),
    min_size=1,
    max_size=6,
).map(lambda found: dict(sorted(found.items())))


@settings(max_examples=100, deadline=None)
@given(tags, tags, tags, tags, st.sampled_from(ORDERS), st.booleans())
def test_what_is_read_is_written(  # noqa: PLR0917
    first: Any, details: Any, places: Any, last: Any, order: str, packed: bool
) -> None:
    data = build({**first, EXIF: {**details, INTEROPERABILITY: last}, GPS: places}, order)
    root = read_directories(data)
    assert root is not None
    if packed:
        assert pack(root) <= len(data)
    written = write_directories(root, order, LONGEST_BYTES)
    assert written is not None
    assert parse(written) == parse(data)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("length", range(0, 130, 3))
def test_of_a_truncated_structure_the_rest_is_read(order: str, length: int) -> None:
    whole = build({1: Tag(3, [1]), 2: Tag(2, b"a text\0"), GPS: {1: Tag(2, b"N\0")}}, order)
    root = read_directories(whole[:length])
    if root is not None:
        pack(root)
        written = write_directories(root, order, LONGEST_BYTES)
        assert written is not None
        assert parse(written).items() <= parse(whole).items()


@pytest.mark.parametrize(
    "data", [b"", b"II*\0", b"MM\0*\0\0\0\x08", b"GIF89a" * 9, b"II*\0" + bytes(99)]
)
def test_anything_else_is_not_read(data: bytes) -> None:
    assert read_directories(data) is None


def test_a_value_outside_of_the_file_or_of_an_unknown_type_is_left_out() -> None:
    data = build({1: Tag(3, [1]), 2: Tag(7, b"abcdefgh"), 3: Tag(3, [1]), 4: Tag(3, [7])})
    outside = data.replace(struct.pack(">HHII", 2, 7, 8, 62), struct.pack(">HHII", 2, 7, 8, 63))
    assert outside != data
    unknown = data.replace(struct.pack(">HHI", 3, 3, 1), struct.pack(">HHI", 3, 14, 1))
    empty = data.replace(struct.pack(">HHI", 3, 3, 1), struct.pack(">HHI", 3, 99, 0))
    for damaged, missing in ((outside, 2), (unknown, 3), (empty, 3)):
        root = read_directories(damaged)
        assert root is not None
        assert [entry.tag for entry in root.entries] == [
            tag for tag in (1, 2, 3, 4) if tag != missing
        ]


@pytest.mark.parametrize("target", [0, 4, 8, 26, 1 << 31])
def test_directories_that_point_to_themselves_or_nowhere_are_left_out(target: int) -> None:
    data = build({1: Tag(3, [1]), EXIF: Tag(4, [target]), GPS: Tag(4, [26])})
    root = read_directories(data)
    assert root is not None
    assert EXIF not in root.children
    assert root.find(EXIF) is None


def test_two_pointers_to_one_directory_are_read_once() -> None:
    data = build({EXIF: {1: Tag(3, [1])}, GPS: Tag(4, [38])})
    root = read_directories(data)
    assert root is not None
    assert list(root.children) == [EXIF]
    assert [entry.tag for entry in root.entries] == [EXIF]


@pytest.mark.parametrize("seed", range(40))
def test_damage_costs_little_time_and_what_is_written_is_sound(seed: int) -> None:
    rng = random.Random(seed)
    order = rng.choice(ORDERS)
    # Each entry of a full directory may have the same values.
    entries = {n: Tag(rng.choice([1, 2, 7]), b"") for n in range(1, rng.choice([20, 5_000]))}
    data = bytearray(build({**entries, EXIF: {1: Tag(3, [1])}}, order))
    for at in range(10, len(data) - 12, 12):
        struct.pack_into(
            order + "II", data, at + 4, rng.randrange(1 << 16), rng.randrange(len(data))
        )
    started = time.process_time()
    root = read_directories(bytes(data))
    if root is not None:
        write_directories(root, order, LONGEST_BYTES)
        pack(root)
        written = write_directories(root, order, 1 << 24)
        assert written is not None
        parse(written)
    assert time.process_time() - started < 1


def test_parts_that_overlap_must_have_the_same_bytes() -> None:
    def write(second_start: int, second: bytes) -> bytes | None:
        entries = [Entry(1, 7, 8, b"abcdefgh", 40), Entry(2, 7, len(second), second, second_start)]
        return write_directories(Directory(8, entries), ">", LONGEST_BYTES)

    assert write(44, b"efghij") is not None
    assert write(44, b"efgHij") is None
    assert write(4, b"overlaps the header") is None
    assert write(36, b"the table") is None
    assert write(LONGEST_BYTES - 6, b"sixsix") is not None
    assert write(LONGEST_BYTES - 5, b"sixsix") is None


def test_of_a_bigtiff_the_same_is_read() -> None:
    value = b"longer than an entry\0"
    entries = struct.pack(">Q", 3)
    entries += struct.pack(">HHQQ", 1, 2, len(value), 16 + 8 + 3 * 20 + 8)
    entries += struct.pack(">HHQ", 2, 5, 1) + struct.pack(">II", 1, 100)
    entries += struct.pack(">HHQQ", 3, 16, 1, 1)
    data = b"MM\0+" + struct.pack(">HHQ", 8, 0, 16) + entries + bytes(8) + value
    root = read_directories(data)
    assert root is not None
    pack(root)
    written = write_directories(root, ">", LONGEST_BYTES)
    assert written is not None
    assert parse(written) == {1: Tag(2, value), 2: Tag(5, struct.pack(">II", 1, 100))}
