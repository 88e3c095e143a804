"""Compresses one photo of a run: skips it if it is done, else sends it and writes the result."""

import errno
import hashlib
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Final, Literal

from app.client.ledger import Entry, Ledger, hash_file
from app.client.result_files import (
    NotWrittenError,
    find_format,
    heatmap_path,
    result_path,
    write_atomically,
)
from app.client.sender import Compressed, RefusedError, Sender
from app.client.sources import Source, escape_path
from contract.images import Format
from contract.messages import Options

State = Literal["compressed", "unchanged", "skipped", "failed"]

# Problem types of the command itself, besides those of the service.
NOT_READ: Final = "not-read"
NOT_WRITTEN: Final = "not-written"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run has done with a photo; ``code`` and ``detail`` say why it failed."""

    source: Path
    state: State
    target: Path | None = None
    heatmap: Path | None = None
    bytes_in: int = 0
    bytes_out: int = 0
    code: str = ""
    detail: str = ""


class ConflictError(Exception):
    """The result must not be written: it would replace another file."""


@dataclass(frozen=True)
class Compressor:
    """The settings of a run; thread-safe.

    ``folder`` is that of the results; None with ``--in-place``. ``originals`` are the absolute paths
    of all photos of the run: no result in ``folder`` may replace one.
    """

    sender: Sender
    options: Mapping[str, str]
    canonical_options: str
    ledgers: Mapping[Path, Ledger]
    folder: Path | None
    originals: Collection[Path]
    overwrite: bool
    output_format: Format = Options().format

    def compress(self, source: Source) -> Outcome:
        """Return what became of one photo; one that can't be compressed has failed.

        Raises:
            UnusableServiceError: when the service can't be used for any photo.
            NotWrittenError: when the disk is full.
            StoppedError: when the run is stopped meanwhile.
        """
        try:
            return self._compress(source)
        except RefusedError as error:
            return Outcome(source.path, "failed", code=error.code, detail=str(error))
        except (ConflictError, NotWrittenError) as error:
            if isinstance(error, NotWrittenError) and error.is_full:
                raise
            return Outcome(source.path, "failed", code=NOT_WRITTEN, detail=str(error))
        except OSError as error:
            detail = error.strerror or str(error)
            return Outcome(source.path, "failed", code=NOT_READ, detail=detail)

    def _compress(self, source: Source) -> Outcome:
        if not source.path.is_file():
            raise OSError(errno.EINVAL, "no such file, or not a regular file")
        target = self._target(source)
        ledger = self.ledgers[self.folder or source.root]
        before = source.path.stat()
        entry = Entry(ledger.to_place(target), hash_file(source.path), self.canonical_options)
        if ledger.is_done(entry) or (self.folder is None and ledger.is_result(entry)):
            bytes_out = target.stat().st_size
            return Outcome(source.path, "skipped", target, None, before.st_size, bytes_out)
        self._check_replaceable(source, target, ledger)
        result = self.sender.send(source.path, self.options)
        after = source.path.stat()
        if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            raise ConflictError("the photo changed while it was read")
        outcome = self._write(source, target, ledger, entry, result)
        return replace(outcome, bytes_in=before.st_size)

    def _target(self, source: Source) -> Path:
        """Return the path of a photo's result; raises ConflictError if it can't be in place."""
        if self.folder is not None:
            return result_path(source, self.folder, self.output_format)
        if find_format(source.path) != self.output_format:
            raise ConflictError(
                f"--in-place replaces {self.output_format.upper()}s only; use -o DIR for other formats"
            )
        return source.path.resolve()

    def _check_replaceable(self, source: Source, target: Path, ledger: Ledger) -> None:
        """Raise ConflictError if ``target`` is a file that the run must not replace."""
        if self.folder is None or not os.path.lexists(target):
            return
        if to_absolute(target) in self.originals or source.path.samefile(target):
            raise ConflictError(
                f"{escape_path(target)} is an original; only --in-place replaces those"
            )
        if target.is_dir():
            raise ConflictError(f"{escape_path(target)} is a folder")
        if not (self.overwrite or ledger.is_ours(ledger.to_place(target))):
            raise ConflictError(
                f"{escape_path(target)} exists and is not the result of an earlier run; "
                "--overwrite replaces it"
            )

    def _write(
        self, source: Source, target: Path, ledger: Ledger, entry: Entry, result: Compressed
    ) -> Outcome:
        """Record a result and write it; in this order, so that a killed run leaves no unknown file."""
        heatmap = None
        if result.heatmap is not None:
            heatmap = heatmap_path(target, result.heatmap_type)
            self._check_replaceable(source, heatmap, ledger)
            entry = replace(
                entry,
                heatmap_place=ledger.to_place(heatmap),
                heatmap_digest=hashlib.sha256(result.heatmap).hexdigest(),
            )
        ledger.add(replace(entry, digest=hashlib.sha256(result.image).hexdigest()))
        if heatmap is not None and result.heatmap is not None:
            write_atomically(heatmap, result.heatmap)
        if self.folder is not None:
            write_atomically(target, result.image)
        elif not result.unchanged:
            write_atomically(target, result.image, replaces=target)
        state: State = "unchanged" if result.unchanged else "compressed"
        return Outcome(source.path, state, target, heatmap, bytes_out=len(result.image))


def compress_stream(
    sender: Sender, options: Mapping[str, str], stream: IO[bytes], max_bytes: int
) -> Compressed:
    """Return the compressed photo that is read from ``stream``.

    Raises:
        RefusedError: when the service refuses it, or it has more than ``max_bytes``.
        UnusableServiceError: as `Sender.send`.
    """
    data = stream.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise RefusedError("body-too-large", f"standard input has more than {max_bytes} bytes")
    return sender.send(data, options)


def to_absolute(path: Path) -> Path:
    """Return an absolute path without resolving links."""
    return Path(os.path.abspath(path))  # noqa: PTH100 (resolve() would follow links)
