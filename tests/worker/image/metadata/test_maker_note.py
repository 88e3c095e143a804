"""Apple's maker notes lose what refers to a gain map, Canon's a proof, and nothing else."""

import struct

import pytest

from tests.worker.image.metadata.tiff_structures import Tag, build_directory
from worker.image.metadata.maker_note import APPLE, drop_false

KEPT = {0x0001: Tag(9, [14]), 0x0011: Tag(2, b"an identifier\0"), 0x0017: Tag(9, [1])}
HDR = {0x0021: Tag(10, [7, 5]), 0x0030: Tag(10, [1, 3])}


def make_note(tags: dict[int, Tag]) -> bytes:
    table, _ = build_directory(dict(sorted(tags.items())), ">", len(APPLE))
    return APPLE + table


def test_the_headroom_is_dropped_and_values_stay_where_they_are() -> None:
    note = make_note({**KEPT, **HDR})
    written = drop_false(note, b"Apple\0", "<")
    assert len(written) == len(note)
    start = len(APPLE)
    assert written[start : start + 2] == b"\0\3"
    assert written[start + 2 : start + 38] == b"".join(
        note[at : at + 12] for at in (start + 2, start + 14, start + 26)
    )
    assert not written[start + 38 : start + 2 + 5 * 12 + 4].strip(b"\0")
    assert written[start + 2 + 5 * 12 + 4 :] == note[start + 2 + 5 * 12 + 4 :]
    assert drop_false(written, b"Apple\0", "<") == written


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"Nikon\0\2\x10\0\0MM\0*",
        APPLE,
        APPLE + b"\xff\xff",
        APPLE + struct.pack(">H", 2) + bytes(20),
        make_note(KEPT),
    ],
)
def test_other_maker_notes_and_damaged_ones_are_not_changed(note: bytes) -> None:
    assert drop_false(note, b"Apple\0", "<") == note


@pytest.mark.parametrize("order", ["<", ">"])
def test_canon_s_proof_of_an_original_is_dropped(order: str) -> None:
    note, _ = build_directory({**KEPT, 0x0083: Tag(4, [5000])}, order, 0)
    expected, _ = build_directory(KEPT, order, 12)
    written = drop_false(note, b"Canon\0", order)
    assert written[: 2 + 3 * 12 + 4] == expected[: 2 + 3 * 12 + 4]
    assert len(written) == len(note)
    assert drop_false(note, b"Nikon\0", order) == note
    assert drop_false(note[:40], b"Canon\0", order) == note[:40]
