"""Where results go, and how they get there: whole or not at all, over nothing that isn't ours."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from app.client.names import shown
from app.client.sources import Source

PART_PREFIX: Final = ".foveate-"
PART_SUFFIX: Final = ".part"
JPEG_SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".jpe", ".jfif"})
# It can only be read by setting it: here, before any thread writes files.
UMASK: Final = os.umask(0o077)
os.umask(UMASK)


def clear_parts(folders: Iterable[Path]) -> None:
    """Remove what a killed run was writing in these folders; nobody else may be at it."""
    for folder in folders:
        for path in folder.glob(f"{PART_PREFIX}*{PART_SUFFIX}"):
            path.unlink(missing_ok=True)


class NotWrittenError(Exception):
    """A result can't be written."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(f"{shown(path)} can't be written: {error.strerror or error}")
        # No other result will fare better.
        self.is_full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


def target_of(source: Source, folder: Path) -> Path:
    """Return a photo's result below ``folder``.

    JPEGs keep their names, others have ``.jpg`` added to theirs: so ``a.jpg`` and ``a.png`` never
    meet, and a name means the same in every run.
    """
    place = source.place
    if place.suffix.lower() not in JPEG_SUFFIXES:
        place = place.with_name(f"{place.name}.jpg")
    return folder / place


def heatmap_of(target: Path, content_type: str) -> Path:
    """Return where the heatmap beside a result goes."""
    return target.with_name(
        f"{target.name}.heatmap.{'png' if content_type == 'image/png' else 'jpg'}"
    )


def write_whole(path: Path, data: bytes, *, like: Path | None = None) -> None:
    """Put ``data`` at ``path`` in one step; nobody ever sees a part of it.

    ``like`` names the file whose permissions it takes; that original is about to go, so ``data``
    is on the disk before.

    Raises:
        NotWrittenError: when it can't be done; it leaves no trace then.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=PART_PREFIX, suffix=PART_SUFFIX, dir=path.parent)
    except OSError as error:
        raise NotWrittenError(path, error) from error
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            if like is not None:
                file.flush()
                os.fsync(file.fileno())
        if like is None:
            part.chmod(0o666 & ~UMASK)
        else:
            shutil.copymode(like, part)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise NotWrittenError(path, error) from error
