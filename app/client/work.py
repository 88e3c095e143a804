"""What is done with one photo of a folder: skipped, compressed and written, or told why not."""

import errno
import hashlib
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Final, Literal

from app.client.ledger import Entry, Ledger, digest_of
from app.client.names import shown
from app.client.sending import Compressed, RefusedError, Sender
from app.client.sources import Source
from app.client.targets import (
    JPEG_SUFFIXES,
    NotWrittenError,
    heatmap_of,
    target_of,
    write_whole,
)

State = Literal["compressed", "unchanged", "skipped", "failed"]

# Problem types of our own, beside the service's.
NOT_WRITTEN: Final = "not-written"
NOT_READ: Final = "not-read"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a photo; ``code`` and ``detail`` say why there is no result."""

    source: Path
    state: State
    target: Path | None = None
    heatmap: Path | None = None
    bytes_in: int = 0
    bytes_out: int = 0
    code: str = ""
    detail: str = ""


class UnwantedError(Exception):
    """The result would take the place of something that must stay."""


@dataclass(frozen=True)
class Work:
    """How photos are treated in this run; used by several threads.

    ``folder`` None: each in its own place. ``named`` are all photos of the run, none of which a
    result may replace unless it is its own original.
    """

    sender: Sender
    options: Mapping[str, str]
    canonical_options: str
    ledgers: Mapping[Path, Ledger]
    folder: Path | None
    named: Collection[Path]
    overwrite: bool

    def do(self, source: Source) -> Outcome:
        """Treat one photo; what is wrong with it is told, what is wrong with the service or the disk raised."""
        try:
            return self._do(source)
        except RefusedError as error:
            return Outcome(source.path, "failed", code=error.code, detail=str(error))
        except (UnwantedError, NotWrittenError) as error:
            if isinstance(error, NotWrittenError) and error.is_full:
                raise
            return Outcome(source.path, "failed", code=NOT_WRITTEN, detail=str(error))
        except OSError as error:
            detail = error.strerror or str(error)
            return Outcome(source.path, "failed", code=NOT_READ, detail=detail)

    def _do(self, source: Source) -> Outcome:
        if not source.path.is_file():
            raise OSError(errno.EINVAL, "not there, or not a file")
        target = self._target(source)
        ledger = self.ledgers[self.folder or source.root]
        place = ledger.place_of(target)
        before = source.path.stat()
        digest = digest_of(source.path)
        done = Entry(place, digest, self.canonical_options)
        if ledger.is_done(done) or (self.folder is None and ledger.is_result(done)):
            bytes_out = target.stat().st_size
            return Outcome(source.path, "skipped", target, None, before.st_size, bytes_out)
        self._protect(source, target, ledger)
        result = self.sender.send(source.path, self.options)
        after = source.path.stat()
        if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            raise UnwantedError("it changed while it was read")
        outcome = self._write(source, target, ledger, done, result)
        return replace(outcome, bytes_in=before.st_size)

    def _target(self, source: Source) -> Path:
        """Return where a photo's result goes; raises UnwantedError."""
        if self.folder is not None:
            return target_of(source, self.folder)
        if source.path.suffix.lower() not in JPEG_SUFFIXES:
            raise UnwantedError("only a JPEG can be replaced by its result; give -o DIR for others")
        return source.path.resolve()

    def _protect(self, source: Source, target: Path, ledger: Ledger) -> None:
        """Raise UnwantedError where a file would lose what no run has put there."""
        if self.folder is None or not os.path.lexists(target):
            return
        if absolute(target) in self.named or source.path.samefile(target):
            raise UnwantedError(f"{shown(target)} is an original; --in-place replaces those")
        if target.is_dir():
            raise UnwantedError(f"{shown(target)} is a folder")
        if not (self.overwrite or ledger.is_ours(ledger.place_of(target))):
            raise UnwantedError(
                f"{shown(target)} is there and no result of an earlier run; --overwrite replaces it"
            )

    def _write(
        self, source: Source, target: Path, ledger: Ledger, done: Entry, result: Compressed
    ) -> Outcome:
        """Put a result in place, told of before: so it is known for ours whenever a run is killed."""
        heatmap = None
        if result.heatmap is not None:
            heatmap = heatmap_of(target, result.heatmap_type)
            self._protect(source, heatmap, ledger)
            done = replace(
                done,
                heatmap_place=ledger.place_of(heatmap),
                heatmap_digest=hashlib.sha256(result.heatmap).hexdigest(),
            )
        ledger.add(replace(done, digest=hashlib.sha256(result.jpeg).hexdigest()))
        if heatmap is not None and result.heatmap is not None:
            write_whole(heatmap, result.heatmap)
        if self.folder is not None:
            write_whole(target, result.jpeg)
        elif not result.unchanged:
            write_whole(target, result.jpeg, like=target)
        state: State = "unchanged" if result.unchanged else "compressed"
        return Outcome(source.path, state, target, heatmap, bytes_out=len(result.jpeg))


def compress_stream(
    sender: Sender, options: Mapping[str, str], stream: IO[bytes], most_bytes: int
) -> Compressed:
    """Return what becomes of the photo that is read from ``stream``.

    Raises:
        RefusedError: when there is none, or one of more than ``most_bytes``.
    """
    data = stream.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise RefusedError("body-too-large", f"more than {most_bytes} bytes on standard input")
    return sender.send(data, options)


def absolute(path: Path) -> Path:
    """Return a path from the root, links and all."""
    return Path(os.path.abspath(path))  # noqa: PTH100 (resolve() would follow links)
