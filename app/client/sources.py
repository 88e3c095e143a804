"""Which photos a command names: files, folders with all that is in them, globs."""

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# By name, in folders only: a file that is named itself is sent whatever it is called.
PHOTO_SUFFIXES: Final = frozenset(
    [
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".webp",
        ".avif",
        ".gif",
        ".bmp",
        ".tif",
        ".tiff",
        ".heic",
        ".heif",
    ]
)


@dataclass(frozen=True, slots=True)
class Source:
    """A photo; ``place`` is where it lies below what the command named."""

    path: Path
    place: Path
    root: Path


class NoSuchPhotoError(Exception):
    """The command names what isn't there."""


def find_photos(names: Sequence[str], *, leave_out: Path | None = None) -> list[Source]:
    """Return the photos that ``names`` stand for, each once, folders in the order of their names.

    Links to folders are not followed, so that no loop occurs. Hidden files are left out, and so is
    ``leave_out``, the folder of the results.

    Raises:
        NoSuchPhotoError: when a name fits nothing.
    """
    found: dict[str, Source] = {}
    for name in names:
        for path in expand(name):
            alone = Source(path, Path(path.name), path.parent)
            if path != Path(name) and is_below(path, leave_out):
                continue  # a pattern found the results of an earlier run
            for source in walk(path, leave_out) if path.is_dir() else (alone,):
                found.setdefault(os.path.abspath(source.path), source)  # noqa: PTH100
    return list(found.values())


def expand(name: str) -> list[Path]:
    """Return the paths of a name, which may be a glob that no shell has expanded."""
    if os.path.lexists(name):
        return [Path(name)]
    matches = sorted(glob.glob(name, recursive=True)) if glob.has_magic(name) else []  # noqa: PTH207 (a Path takes no absolute pattern)
    if not matches:
        raise NoSuchPhotoError(name)
    return [Path(match) for match in matches]


def is_below(path: Path, folder: Path | None) -> bool:
    """Return whether ``path`` lies in ``folder``, links resolved."""
    return folder is not None and path.resolve().is_relative_to(folder.resolve())


def walk(root: Path, leave_out: Path | None) -> Iterator[Source]:
    """Yield the photos below a folder."""
    omitted = leave_out.resolve() if leave_out else None
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and Path(folder, name).resolve() != omitted
        )
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in PHOTO_SUFFIXES:
                path = Path(folder, name)
                yield Source(path, path.relative_to(root), root)
