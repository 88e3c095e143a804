"""The size of a HEIF file's primary item is found, of a grid also in its own bytes."""

import struct
from dataclasses import replace

import pytest

from contract.errors import CorruptImageError
from contract.image_headers.boxes import Box, find_box
from contract.image_headers.heif_items import (
    IN_FILE,
    IN_IDAT,
    Item,
    read_content,
    read_item_size,
    read_items,
    read_meta,
    read_references,
    read_types,
)
from contract.image_headers.steps import Steps, TooManyStepsError
from tests.contract.image_headers.heif_files import (
    HeifItem,
    box,
    full_box,
    heif_file,
    make_grid,
)

TILE = HeifItem(b"av01", b"bits", (64, 48), [box(b"av1C", bytes(4))])


def find_meta(data: bytes) -> Box:
    """Return the MetaBox of a file."""
    meta = find_box(data, Box(b"", 0, len(data)), b"meta", Steps(9))
    assert meta
    return meta


def size_of(data: bytes, max_steps: int = 100) -> tuple[int, int]:
    """Return the size of a file's primary item."""
    return read_item_size(data, find_meta(data), Steps(max_steps))


def test_the_primary_item_s_size_is_read() -> None:
    thumbnail = replace(TILE, size_px=(8, 6))
    assert size_of(heif_file([TILE, thumbnail])) == (64, 48)
    assert size_of(heif_file([thumbnail, TILE])) == (8, 6)


def test_long_numbers_and_indices_are_read() -> None:
    free = box(b"free") * 299
    ipma = struct.pack(">IIBHIBHH", 2, 5, 1, 0x8001, 70_000, 2, 0x8001, 0x812C)
    data = full_box(
        b"meta",
        full_box(b"pitm", struct.pack(">I", 70_000), version=1)
        + box(
            b"iprp",
            box(b"ipco", free + full_box(b"ispe", struct.pack(">II", 70_001, 3)))
            + full_box(b"ipma", ipma, version=1, flags=1),
        ),
    )
    assert size_of(data, 400) == (70_001, 3)


@pytest.mark.parametrize("in_idat", [False, True])
@pytest.mark.parametrize(
    ("declared_px", "size_px"), [((190, 120), (190, 120)), ((8, 8), (190, 120)), ((300, 300),) * 2]
)
def test_of_a_grid_the_larger_size_counts(
    declared_px: tuple[int, int], size_px: tuple[int, int], in_idat: bool
) -> None:
    grid, *tiles = make_grid(3, 3, (190, 120), TILE, in_idat=in_idat)
    grid = replace(grid, size_px=declared_px)
    assert size_of(heif_file([grid, *tiles])) == size_px


def test_a_grid_may_have_long_sides_and_be_in_pieces() -> None:
    content = b"\0\1\1\1" + struct.pack(">II", 70_000, 80_000)
    grid = HeifItem(b"grid", content, (8, 8), extents=[(0, 1), (1, 2), (3, 9)])
    assert size_of(heif_file([grid])) == (70_000, 80_000)


@pytest.mark.parametrize(
    "grid",
    [
        HeifItem(b"grid", b"", (8, 8)),
        HeifItem(b"grid", b"\0\0\1\1\0\x08\0", (8, 8), extents=[(0, 7)], in_idat=True),
    ],
)
def test_a_truncated_grid_is_damaged(grid: HeifItem) -> None:
    with pytest.raises(struct.error):
        size_of(heif_file([grid], brand=b"avif")[: -len(grid.content) - 8 or None])


def test_a_grid_that_is_not_listed_is_damaged() -> None:
    data = heif_file([HeifItem(b"grid", b"\0" * 8, (8, 8))])
    with pytest.raises(CorruptImageError, match="grid"):
        size_of(data.replace(b"iloc", b"free"))


@pytest.mark.parametrize("kind", [b"pitm", b"iprp", b"ipco", b"ipma", b"ispe"])
def test_a_missing_box_is_damage(kind: bytes) -> None:
    with pytest.raises(CorruptImageError):
        size_of(heif_file([TILE]).replace(kind, b"free"))


def test_an_item_without_a_size_is_damaged() -> None:
    with pytest.raises(CorruptImageError):
        size_of(heif_file([replace(TILE, size_px=None), TILE]))


def test_locations_are_listed() -> None:
    pieces = replace(TILE, extents=[(0, 1), (2, 2)])
    inside = HeifItem(b"Exif", b"xyz", None, in_idat=True)
    data = heif_file([pieces, inside])
    boxes = read_meta(data, find_meta(data), Steps(9))
    start = data.index(b"bits")
    assert list(read_types(data, boxes, Steps(9))) == [(1, b"av01"), (2, b"Exif")]
    items = list(read_items(data, boxes, Steps(9)))
    assert items == [
        Item(1, IN_FILE, ((start, 1), (start + 2, 2))),
        Item(2, IN_IDAT, ((0, 3),)),
    ]
    assert read_content(memoryview(data), boxes, items[0], 99) == b"bts"
    assert read_content(memoryview(data), boxes, items[0], 2) == b"bt"
    assert read_content(memoryview(data), boxes, items[1], 99) == b"xyz"
    assert read_content(memoryview(data), boxes, Item(3, 2, ((0, 3),)), 99) == b""


@pytest.mark.parametrize("size", [0x0000, 0x4400, 0x8880])
def test_locations_of_the_first_version_have_no_method(size: int) -> None:
    def pack(number: int, bits: int) -> bytes:
        return number.to_bytes(bits, "big")

    offset, length, base = size >> 12, size >> 8 & 15, size >> 4 & 15
    entry = struct.pack(">HH", 7, 0) + pack(10 if base else 0, base) + b"\0\1"
    entry += pack(20 if offset else 0, offset) + pack(30 if length else 0, length)
    data = full_box(b"iloc", struct.pack(">HH", size, 1) + entry)
    item = Item(7, IN_FILE, (((10 if base else 0) + (20 if offset else 0), 30 if length else 0),))
    boxes = {b"iloc": Box(b"iloc", 8, len(data))}
    assert list(read_items(data, boxes, Steps(9))) == [item]


def test_the_number_of_items_is_limited() -> None:
    data = heif_file(make_grid(5, 5, (64, 48), TILE))
    assert size_of(data, 20) == (64, 48)
    with pytest.raises(TooManyStepsError):
        size_of(data, 10)


@pytest.mark.parametrize(("version", "form"), [(0, "H"), (1, "I")])
def test_references_are_read(version: int, form: str) -> None:
    def refer(kind: bytes, item: int, *targets: int) -> bytes:
        packed = struct.pack(f">{form}H{len(targets)}{form}", item, len(targets), *targets)
        return box(kind, packed)

    content = full_box(b"iref", refer(b"dimg", 1, 2, 3) + refer(b"auxl", 4), version)[8:]
    iref = Box(b"iref", 0, len(content))
    assert list(read_references(content, iref, Steps(4))) == [
        (b"dimg", 1, (2, 3)),
        (b"auxl", 4, ()),
    ]
    with pytest.raises(TooManyStepsError):
        list(read_references(content, iref, Steps(3)))
