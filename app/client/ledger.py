"""The record of finished photos in a folder, so that a second run does only the rest.

A line of JSON for each photo is written just before its result. A line counts only while the result
is there with the digest that the line states, so a run may be killed at any moment.
"""

import fcntl
import hashlib
import json
import os
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

from app.client.result_files import NotWrittenError

LEDGER_NAME: Final = ".foveate.jsonl"


class BusyFolderError(Exception):
    """Another run writes into the folder."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One result: its place, and what it was made from.

    Places are paths relative to the ledger's folder; digests are SHA-256 in hexadecimal; ``options``
    is JSON with sorted keys. ``digest`` is the result's own.
    """

    place: str
    source_digest: str
    options: str
    digest: str = ""
    heatmap_place: str | None = None
    heatmap_digest: str | None = None


class Ledger:
    """The ledger of one folder, locked against other runs until it is closed; thread-safe."""

    def __init__(self, folder: Path) -> None:
        """Open and lock the folder's ledger.

        Raises:
            BusyFolderError: when another run has locked it.
            OSError: when the folder can't be written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._lock = threading.Lock()
        self._file = (folder / LEDGER_NAME).open("ab+", buffering=0)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise BusyFolderError(f"another run writes into {folder}") from error
        self._entries: dict[str, Entry] = {}
        # By place, the digests of all its lines, not only of the last one: a killed run may have
        # recorded a result and not written it, so the file is still that of an earlier line.
        self._results: dict[str, set[str]] = {}
        self._heatmaps: dict[str, set[str]] = {}
        self._file.seek(0)
        for line in self._file.readall().splitlines():
            if entry := parse_entry(line):
                self._remember(entry)
        self._ends_with_newline = self._file.tell() == 0 or self._last_byte() == b"\n"

    def _last_byte(self) -> bytes:
        self._file.seek(-1, os.SEEK_END)
        return self._file.read(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def to_place(self, path: Path) -> str:
        """Return a path as entries name it: relative to the ledger's folder."""
        return to_place(path, self._folder)

    def is_done(self, wanted: Entry) -> bool:
        """Return whether the result of this photo with these options is there, unchanged."""
        entry = self._entries.get(wanted.place)
        return (
            entry is not None
            and (entry.source_digest, entry.options) == (wanted.source_digest, wanted.options)
            and self._is_unchanged(entry)
        )

    def is_result(self, wanted: Entry) -> bool:
        """Return whether the photo of ``wanted`` already is a result with the same options."""
        entry = self._entries.get(wanted.place)
        return entry is not None and (entry.digest, entry.options) == (
            wanted.source_digest,
            wanted.options,
        )

    def is_ours(self, place: str) -> bool:
        """Return whether the file there is the result of a run, unchanged since."""
        digests = self._results.get(place, set()) | self._heatmaps.get(place, set())
        return bool(digests) and self._hash_place(place) in digests

    def has_made(self, path: Path, *, heatmaps_only: bool) -> bool:
        """Return whether a file is a result or a heatmap of a run, unchanged since; links are resolved.

        ``heatmaps_only``: in place, a result is a photo as well.
        """
        place = to_place(path.resolve(), self._folder.resolve())
        return self.is_ours(place) and not (heatmaps_only and place not in self._heatmaps)

    def add(self, entry: Entry) -> None:
        """Record a result that is about to be written.

        Raises:
            NotWrittenError: when the ledger can't be written.
        """
        line = json.dumps(asdict(entry)).encode() + b"\n"
        with self._lock:
            self._remember(entry)
            # A killed run may have left the last line incomplete.
            data = line if self._ends_with_newline else b"\n" + line
            try:
                # On a full disk only a part may be written; that line is then ignored.
                self._ends_with_newline = self._file.write(data) == len(data)
            except OSError as error:
                self._ends_with_newline = False
                raise NotWrittenError(self._folder / LEDGER_NAME, error) from error

    def _remember(self, entry: Entry) -> None:
        self._entries[entry.place] = entry
        self._results.setdefault(entry.place, set()).add(entry.digest)
        if entry.heatmap_place is not None and entry.heatmap_digest is not None:
            self._heatmaps.setdefault(entry.heatmap_place, set()).add(entry.heatmap_digest)

    def _is_unchanged(self, entry: Entry) -> bool:
        heatmap = entry.heatmap_place
        if heatmap is not None and self._hash_place(heatmap) != entry.heatmap_digest:
            return False
        return self._hash_place(entry.place) == entry.digest

    def _hash_place(self, place: str) -> str | None:
        path = self._folder / os.fsdecode(place.encode("utf-8", "surrogateescape"))
        try:
            return hash_file(path)
        except OSError:
            return None


def to_place(path: Path, folder: Path) -> str:
    """Return ``path`` relative to ``folder``; bytes that are not UTF-8 are surrogates."""
    return os.fsencode(os.path.relpath(path, folder)).decode("utf-8", "surrogateescape")


def parse_entry(line: bytes) -> Entry | None:
    """Return a line's entry, or None for a line that is damaged or from a later version."""
    try:
        fields = json.loads(line)
        valid = all(isinstance(value, str) or value is None for value in fields.values())
        return Entry(**fields) if valid else None
    except (ValueError, TypeError, AttributeError):
        return None


def hash_file(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal, without holding the file in memory.

    Raises:
        OSError: when it can't be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
