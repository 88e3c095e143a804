"""Where results are written, and how: completely or not at all."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from app.client.sources import Source, escape_path
from contract.images import Format

PARTIAL_PREFIX: Final = ".foveate-"
PARTIAL_SUFFIX: Final = ".part"
# By format: the suffixes of its files. Results get the first where they have none of them.
SUFFIXES: Final[dict[Format, tuple[str, ...]]] = {
    "jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "avif": (".avif",),
}
# The umask can be read only by setting it, which affects all threads. So read it once, before
# threads start.
UMASK: Final = os.umask(0o077)
os.umask(UMASK)


class NotWrittenError(Exception):
    """A file can't be written; ``is_full`` when no other file can be written there either."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(f"{escape_path(path)} can't be written: {error.strerror or error}")
        self.is_full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


def find_format(path: Path) -> Format | None:
    """Return the format that a file name's suffix stands for; None for other suffixes."""
    suffix = path.suffix.lower()
    return next((name for name, suffixes in SUFFIXES.items() if suffix in suffixes), None)


def result_path(source: Source, folder: Path, output_format: Format = "jpeg") -> Path:
    """Return the path of a photo's result in ``folder``.

    A photo of that format keeps its name; others have its suffix appended, such as ``.jpg``. So
    ``a.jpg`` and ``a.png`` have different results, and each has the same in every run.
    """
    path = source.relative_path
    if find_format(path) != output_format:
        path = path.with_name(f"{path.name}{SUFFIXES[output_format][0]}")
    return folder / path


def heatmap_path(result: Path, content_type: str) -> Path:
    """Return the path of the heatmap that belongs to a result."""
    suffix = "png" if content_type == "image/png" else "jpg"
    return result.with_name(f"{result.name}.heatmap.{suffix}")


def write_atomically(path: Path, data: bytes, *, replaces: Path | None = None) -> None:
    """Write a file in one step: no reader ever sees a part of it.

    ``replaces`` is the original that the file replaces: the file takes its permissions, and is
    synced to the disk before the original is gone.

    Raises:
        NotWrittenError: when that fails; ``path`` is unchanged then.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            prefix=PARTIAL_PREFIX, suffix=PARTIAL_SUFFIX, dir=path.parent
        )
    except OSError as error:
        raise NotWrittenError(path, error) from error
    partial = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            if replaces is not None:
                file.flush()
                os.fsync(file.fileno())
        if replaces is None:
            partial.chmod(0o666 & ~UMASK)
        else:
            shutil.copymode(replaces, partial)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise NotWrittenError(path, error) from error


def remove_partial_files(folders: Iterable[Path]) -> None:
    """Remove the unfinished files that a killed run has left; no other run may be writing there."""
    for folder in folders:
        for path in folder.glob(f"{PARTIAL_PREFIX}*{PARTIAL_SUFFIX}"):
            path.unlink(missing_ok=True)
