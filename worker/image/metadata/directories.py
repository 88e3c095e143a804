"""Reads and writes the directories of EXIF with values as bytes (TIFF 6.0, section 2; EXIF 2.32, 4.6.3).

Only the structure is interpreted, so types, signs and characters stay as they are.
"""

import struct
from dataclasses import dataclass, field
from typing import Final

from contract.image_headers import tiff
from contract.image_headers.steps import Steps, TooManyStepsError

EXIF_IFD, GPS_IFD, INTEROPERABILITY_IFD = 0x8769, 0x8825, 0xA005
# Which tags of which directory point to another one.
Pointers = dict[int, "Pointers"]
POINTERS: Final[Pointers] = {EXIF_IFD: {INTEROPERABILITY_IFD: {}}, GPS_IFD: {}}

# Bytes of a value, by type: TIFF 6.0, IFD of its first supplement, UTF-8 of EXIF 3.0.
VALUE_BYTES: Final = dict(
    zip((*range(1, 14), 129), (1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 1), strict=True)
)
INTEGERS: Final = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i"}
BYTE, SHORT, LONG, RATIONAL, UNDEFINED, IFD = 1, 3, 4, 5, 7, 13
HEADER_BYTES, ENTRY_BYTES, INLINE_BYTES = 8, 12, 4
# Longer values don't fit into a segment. Values of a damaged file may all be the same bytes.
LONGEST_VALUE_BYTES: Final = 65_535
MOST_BYTES: Final = 1024 * 1024


@dataclass(slots=True)
class Entry:
    """One tag of a directory."""

    tag: int
    type: int
    count: int
    value: bytes
    """All values, as they are stored."""
    start: int | None = None
    """Offset in bytes of a value that doesn't fit into the entry; else None."""


@dataclass(slots=True)
class Directory:
    """The entries of one directory, and the directories to which they point."""

    start: int
    entries: list[Entry] = field(default_factory=list)
    children: dict[int, "Directory"] = field(default_factory=dict)
    """By the tag of the entry that points there."""

    def find(self, tag: int) -> Entry | None:
        """Return the first entry of ``tag``."""
        return next((entry for entry in self.entries if entry.tag == tag), None)

    def drop(self, tags: frozenset[int]) -> None:
        """Drop the entries of ``tags``, and the directories to which they point."""
        self.entries = [entry for entry in self.entries if entry.tag not in tags]
        self.children = {tag: child for tag, child in self.children.items() if tag not in tags}


def read_directories(data: bytes) -> Directory | None:
    """Return the first directory of a TIFF or BigTIFF, with those for EXIF, GPS and interoperability.

    The second one, for a thumbnail, is not read. Entries that are damaged or of an unknown type are left
    out. Return None if ``data`` is no TIFF or nothing can be read.
    """
    if not data.startswith(tiff.MAGIC):
        return None
    try:
        at, width = (8, "Q") if data.startswith(tiff.BIG) else (4, "I")
        (start,) = struct.unpack_from(tiff.byte_order(data) + width, data, at)
    except struct.error:
        return None
    root = _Reader(data).read(start, POINTERS)
    return root if root is not None and root.entries else None


class _Reader:
    """Reads each directory of a file once, up to limits for all of them together."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._order = tiff.byte_order(data)
        self._steps = Steps()
        self._bytes_left = MOST_BYTES
        self._seen: set[int] = set()

    def read(self, start: int, pointers: Pointers) -> Directory | None:
        """Return the directory at ``start``; None if it was read before or begins in the header."""
        if start in self._seen or start < HEADER_BYTES:
            return None
        self._seen.add(start)
        directory = Directory(start)
        try:
            for tag in tiff.read_tags(self._data, self._steps, start):
                if tag.number in pointers:
                    self._read_child(directory, tag, pointers[tag.number])
                elif (entry := self._read_entry(tag)) is not None:
                    directory.entries.append(entry)
        except (struct.error, TooManyStepsError):
            pass  # what came before is kept
        return directory

    def _read_child(self, parent: Directory, tag: tiff.Tag, pointers: Pointers) -> None:
        if tag.type not in tiff.INTEGERS or not tag.value_count or tag.number in parent.children:
            return
        try:
            start = tiff.read_integer(self._data, tag)
        except struct.error:
            return
        child = self.read(start, pointers)
        if child is not None and child.entries:
            parent.children[tag.number] = child
            parent.entries.append(
                Entry(tag.number, IFD if tag.type == IFD else LONG, 1, bytes(INLINE_BYTES))
            )

    def _read_entry(self, tag: tiff.Tag) -> Entry | None:
        size = tag.value_count * VALUE_BYTES.get(tag.type, LONGEST_VALUE_BYTES + 1)
        if size <= len(tag.value):
            start, value = None, tag.value[:size]
        elif size <= min(LONGEST_VALUE_BYTES, self._bytes_left):
            self._bytes_left -= size
            start = int.from_bytes(tag.value, "little" if self._order == "<" else "big")
            value = self._data[start : start + size]
        else:
            return None
        if len(value) != size or (not size and tag.type not in VALUE_BYTES):
            return None
        return Entry(tag.number, tag.type, tag.value_count, value, start)


def pack(directory: Directory, at: int = HEADER_BYTES) -> int:
    """Give a directory and all values new places from ``at`` on; return the end, all in bytes."""
    directory.start = at
    directory.entries.sort(key=lambda entry: entry.tag)
    at += _table_bytes(directory)
    for entry in directory.entries:
        if len(entry.value) > INLINE_BYTES:
            entry.start = at
            at += len(entry.value) + len(entry.value) % 2  # values begin at even offsets
    for child in directory.children.values():
        at = pack(child, at)
    return at


def move_tables_behind(root: Directory) -> None:
    """Give all tables new places behind the values, which stay, and places to values without one."""
    directories = [root]
    for directory in directories:
        directories += directory.children.values()
    entries = [entry for directory in directories for entry in directory.entries]
    at = max((e.start + len(e.value) for e in entries if e.start is not None), default=HEADER_BYTES)
    for directory in directories:
        directory.start = at + at % 2
        at = directory.start + _table_bytes(directory)
    for entry in entries:
        if len(entry.value) > INLINE_BYTES and entry.start is None:
            entry.start = at + at % 2
            at = entry.start + len(entry.value)


def write_directories(root: Directory, order: str, longest_bytes: int) -> bytes | None:
    """Return a TIFF with directories and values at their places, and zeros between them.

    ``order`` is the byte order in formats of ``struct``. Return None if parts overlap with different
    bytes, or if the file would be longer than ``longest_bytes``.
    """
    mark = b"II" if order == "<" else b"MM"
    header = mark + struct.pack(order + "HI", 42, root.start)
    parts = sorted([(0, header), *_list_parts(root, order)])
    written = bytearray()
    for start, part in parts:
        end = start + len(part)
        if end > longest_bytes:
            return None
        overlap = written[start:end]
        if overlap != part[: len(overlap)]:
            return None
        written += bytes(max(start - len(written), 0)) + part[len(overlap) :]
    return bytes(written)


def _list_parts(directory: Directory, order: str) -> list[tuple[int, bytes]]:
    """Return offset and bytes of a directory's table, of its values, and of those of its children."""
    table = [struct.pack(order + "H", len(directory.entries))]
    parts: list[tuple[int, bytes]] = []
    for entry in sorted(directory.entries, key=lambda entry: entry.tag):
        head = struct.pack(order + "HHI", entry.tag, entry.type, entry.count)
        if entry.tag in directory.children:
            tail = struct.pack(order + "I", directory.children[entry.tag].start)
        elif len(entry.value) <= INLINE_BYTES:
            tail = entry.value.ljust(INLINE_BYTES, b"\0")
        else:
            assert entry.start is not None
            tail = struct.pack(order + "I", entry.start)
            parts.append((entry.start, entry.value))
        table.append(head + tail)
    table.append(bytes(4))  # no further directory
    parts.append((directory.start, b"".join(table)))
    for child in directory.children.values():
        parts += _list_parts(child, order)
    return parts


def _table_bytes(directory: Directory) -> int:
    return 2 + ENTRY_BYTES * len(directory.entries) + 4
