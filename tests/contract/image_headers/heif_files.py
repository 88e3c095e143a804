"""Small HEIF files, box by box (ISO/IEC 14496-12, ISO/IEC 23008-12)."""

import struct


def box(kind: bytes, content: bytes = b"") -> bytes:
    """Return a box."""
    return struct.pack(">I4s", 8 + len(content), kind) + content


def full_box(kind: bytes, content: bytes = b"", version: int = 0, flags: int = 0) -> bytes:
    """Return a box with a version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags) + content)
