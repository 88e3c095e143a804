"""What has been done in a folder, so that a second run does only the rest.

One line of JSON for each photo, written just before its result is put in place. Nothing in it is
believed unseen: a result counts while the file is there with the bytes that the line tells of. So
whatever a killed run leaves behind, the next one gets right.
"""

import fcntl
import hashlib
import json
import os
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

from app.client.targets import NotWrittenError

LEDGER_NAME: Final = ".foveate.jsonl"


class BusyFolderError(Exception):
    """Another run writes into the folder."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A result: its place below the ledger's folder, and what it was made of."""

    place: str
    source_digest: str
    options: str
    digest: str = ""
    heatmap_place: str | None = None
    heatmap_digest: str | None = None


class Ledger:
    """The ledger of a folder, which is this run's alone until it is closed."""

    def __init__(self, folder: Path) -> None:
        """Open the folder's ledger.

        Raises:
            BusyFolderError: when another run is at it.
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
        # All that runs have ever put in a place: the last line may tell of what came no further.
        self._digests: dict[str, set[str]] = {}
        self._file.seek(0)
        for line in self._file.readall().splitlines():
            if entry := parse(line):
                self._remember(entry)
        self._ends_whole = os.fstat(self._file.fileno()).st_size == 0 or self._ends_with_newline()

    def _ends_with_newline(self) -> bool:
        self._file.seek(-1, os.SEEK_END)
        return self._file.read(1) == b"\n"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def place_of(self, path: Path) -> str:
        """Return how the ledger names a path below its folder."""
        return os.fsencode(os.path.relpath(path, self._folder)).decode("utf-8", "surrogateescape")

    def is_done(self, wanted: Entry) -> bool:
        """Return whether ``wanted``, by this photo and these options, is there and whole."""
        entry = self._entries.get(wanted.place)
        return (
            entry is not None
            and (entry.source_digest, entry.options) == (wanted.source_digest, wanted.options)
            and self._is_whole(entry)
        )

    def is_result(self, wanted: Entry) -> bool:
        """Return whether the photo of ``wanted`` is itself what a run with its options has made."""
        entry = self._entries.get(wanted.place)
        return entry is not None and (entry.digest, entry.options) == (
            wanted.source_digest,
            wanted.options,
        )

    def is_ours(self, place: str) -> bool:
        """Return whether what lies there is a run's result, untouched since."""
        return self._digest_at(place) in self._digests.get(place, ())

    def add(self, entry: Entry) -> None:
        """Record a result that is about to be put in place.

        Raises:
            NotWrittenError: when the ledger can't be written.
        """
        line = json.dumps(asdict(entry)).encode() + b"\n"
        with self._lock:
            self._remember(entry)
            # After a line that a killed run has cut short this one begins anew.
            begun = line if self._ends_whole else b"\n" + line
            try:
                # A disk that fills up may take a part; that line then counts for nothing.
                self._ends_whole = self._file.write(begun) == len(begun)
            except OSError as error:
                self._ends_whole = False
                raise NotWrittenError(self._folder / LEDGER_NAME, error) from error

    def _remember(self, entry: Entry) -> None:
        self._entries[entry.place] = entry
        for place, digest in (
            (entry.place, entry.digest),
            (entry.heatmap_place, entry.heatmap_digest),
        ):
            if place is not None and digest is not None:
                self._digests.setdefault(place, set()).add(digest)

    def _is_whole(self, entry: Entry) -> bool:
        heatmap = entry.heatmap_place
        if heatmap is not None and self._digest_at(heatmap) != entry.heatmap_digest:
            return False
        return self._digest_at(entry.place) == entry.digest

    def _digest_at(self, place: str) -> str | None:
        path = self._folder / os.fsdecode(place.encode("utf-8", "surrogateescape"))
        try:
            return digest_of(path)
        except OSError:
            return None


def parse(line: bytes) -> Entry | None:
    """Return a line's entry, None when it is damaged or of a later version."""
    try:
        fields = json.loads(line)
        words = all(isinstance(value, str) or value is None for value in fields.values())
        return Entry(**fields) if words else None
    except (ValueError, TypeError, AttributeError):
        return None


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, in pieces; raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
