"""Finds the photos that a command names: files, folders and globs."""

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# Only for files found in folders: a file that the command names is sent with any suffix.
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
        ".hif",
    ]
)


@dataclass(frozen=True, slots=True)
class Source:
    """A photo to compress; ``relative_path`` is its path below ``root``, which the command named."""

    path: Path
    relative_path: Path
    root: Path


class NoSuchPhotoError(Exception):
    """The command names a file that does not exist, or a glob without a match."""


def find_photos(names: Sequence[str], *, exclude: Path | None = None) -> list[Source]:
    """Return the photos that ``names`` stand for, each once, in the order of the names.

    The files of a folder are sorted by name. Links to folders are not followed, because they may
    form a loop. Hidden files are left out, and so is ``exclude``, the folder of the results, unless
    a name is that folder or is in it.

    Raises:
        NoSuchPhotoError: when a name matches nothing.
    """
    found: dict[str, Source] = {}
    for name in names:
        excluded = None if is_inside(glob_root(name), exclude) else exclude
        for path in expand_glob(name):
            if path != Path(name) and is_inside(path, excluded):
                continue
            file = Source(path, Path(path.name), path.parent)
            for source in walk(path, excluded) if path.is_dir() else (file,):
                found.setdefault(os.path.abspath(source.path), source)  # noqa: PTH100
    return list(found.values())


def expand_glob(name: str) -> list[Path]:
    """Return the paths of a name, which may be a glob that the shell has not expanded.

    Raises:
        NoSuchPhotoError: when it matches nothing.
    """
    if os.path.lexists(name):
        return [Path(name)]
    matches = sorted(glob.glob(name, recursive=True)) if glob.has_magic(name) else []  # noqa: PTH207 (a Path takes no absolute pattern)
    if not matches:
        raise NoSuchPhotoError(name)
    return [Path(match) for match in matches]


def glob_root(name: str) -> Path:
    """Return the folder that all matches of a glob are in; the path itself if it is none."""
    fixed: list[str] = []
    for part in Path(name).parts:
        if glob.has_magic(part) and not os.path.lexists(name):
            break
        fixed.append(part)
    return Path(*fixed)


def is_inside(path: Path, folder: Path | None) -> bool:
    """Return whether ``path`` is ``folder`` or in it, with links resolved."""
    return folder is not None and path.resolve().is_relative_to(folder.resolve())


def walk(root: Path, exclude: Path | None) -> Iterator[Source]:
    """Yield the photos in a folder and its subfolders."""
    excluded = exclude.resolve() if exclude else None
    for folder, subfolders, files in os.walk(root):
        subfolders[:] = sorted(
            name
            for name in subfolders
            if not name.startswith(".") and Path(folder, name).resolve() != excluded
        )
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in PHOTO_SUFFIXES:
                path = Path(folder, name)
                yield Source(path, path.relative_to(root), root)


def escape_path(path: Path) -> str:
    """Return a path for messages: valid UTF-8 on one line, other bytes and control characters escaped."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
