"""Takes what refers to a gain map out of Apple's maker notes (as ExifTool's Apple.pm describes them)."""

import struct
from typing import Final

NAME: Final = b"Apple iOS\0\0\x01MM"
ENTRY: Final = struct.Struct(">HHI4s")
# HDRHeadroom and HDRGain: how bright a display shows the photo with its gain map.
HDR_TAGS: Final = frozenset({0x21, 0x30})


def drop_hdr(maker_note: bytes) -> bytes:
    """Return maker notes of the same length without these tags; those of others are not changed."""
    if not maker_note.startswith(NAME):
        return maker_note
    start = len(NAME) + 2
    count = int.from_bytes(maker_note[len(NAME) : start], "big")
    end = start + count * ENTRY.size
    if end > len(maker_note):
        return maker_note
    table = maker_note[start:end]
    kept = [
        table[at : at + ENTRY.size]
        for at in range(0, len(table), ENTRY.size)
        if ENTRY.unpack_from(table, at)[0] not in HDR_TAGS
    ]
    # The next directory's offset, 0, follows the last entry; zeros fill the rest.
    head = NAME + len(kept).to_bytes(2, "big")
    return head + b"".join(kept).ljust(len(table), b"\0") + maker_note[end:]
