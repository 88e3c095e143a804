"""Takes out of maker notes what does not hold for the finished photo.

ExifTool's Apple.pm and Canon.pm describe the tags.
"""

import struct
from typing import Final

APPLE: Final = b"Apple iOS\0\0\x01MM"
# HDRHeadroom and HDRGain: how bright a display shows the photo with its gain map.
APPLE_HDR: Final = frozenset({0x21, 0x30})
CANON: Final = b"Canon"
# OriginalDecisionDataOffset: where a proof lies that the file is the camera's.
CANON_PROOF: Final = frozenset({0x83})
ENTRY_BYTES: Final = 12


def drop_false(maker_note: bytes, make: bytes, order: str) -> bytes:
    """Return maker notes of the same length; those of other makers than Apple and Canon don't change.

    ``make`` is the camera's maker, ``order`` the byte order of EXIF in formats of ``struct``.
    """
    if maker_note.startswith(APPLE):
        return drop_entries(maker_note, len(APPLE), ">", APPLE_HDR)
    if make.startswith(CANON):
        return drop_entries(maker_note, 0, order, CANON_PROOF)
    return maker_note


def drop_entries(maker_note: bytes, start: int, order: str, tags: frozenset[int]) -> bytes:
    """Return maker notes without entries of the directory that begins at ``start``."""
    try:
        (count,) = struct.unpack_from(order + "H", maker_note, start)
    except struct.error:
        return maker_note
    first = start + 2
    end = first + count * ENTRY_BYTES
    entries = [maker_note[at : at + ENTRY_BYTES] for at in range(first, end, ENTRY_BYTES)]
    kept = [entry for entry in entries if not is_one_of(entry, order, tags)]
    if end > len(maker_note) or len(kept) == count:
        return maker_note
    # The next directory's offset, 0, follows the last entry; zeros fill the rest.
    table = struct.pack(order + "H", len(kept)) + b"".join(kept)
    return maker_note[:start] + table.ljust(end - start, b"\0") + maker_note[end:]


def is_one_of(entry: bytes, order: str, tags: frozenset[int]) -> bool:
    """Return whether an entry has one of these tags."""
    return int.from_bytes(entry[:2], "little" if order == "<" else "big") in tags
