"""Apple's maker notes lose what refers to a gain map, and nothing else."""

import struct

import pytest

from tests.worker.image.metadata.tiff_structures import Tag, build_directory
from worker.image.metadata.apple_maker_note import NAME, drop_hdr

KEPT = {0x0001: Tag(9, [14]), 0x0011: Tag(2, b"an identifier\0"), 0x0017: Tag(9, [1])}
HDR = {0x0021: Tag(10, [7, 5]), 0x0030: Tag(10, [1, 3])}


def make_note(tags: dict[int, Tag]) -> bytes:
    table, _ = build_directory(dict(sorted(tags.items())), ">", len(NAME))
    return NAME + table


def test_the_headroom_is_dropped_and_values_stay_where_they_are() -> None:
    note = make_note({**KEPT, **HDR})
    written = drop_hdr(note)
    assert len(written) == len(note)
    start = len(NAME)
    assert written[start : start + 2] == b"\0\3"
    assert written[start + 2 : start + 38] == b"".join(
        note[at : at + 12] for at in (start + 2, start + 14, start + 26)
    )
    assert not written[start + 38 : start + 2 + 5 * 12 + 4].strip(b"\0")
    assert written[start + 2 + 5 * 12 + 4 :] == note[start + 2 + 5 * 12 + 4 :]
    assert drop_hdr(written) == written


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"Nikon\0\2\x10\0\0MM\0*",
        NAME,
        NAME + b"\xff\xff",
        NAME + struct.pack(">H", 2) + bytes(20),
        make_note(KEPT),
    ],
)
def test_other_maker_notes_and_damaged_ones_are_not_changed(note: bytes) -> None:
    assert drop_hdr(note) == note
