"""The folder of compiled kernels: one for each state of the codec's sources and each kind of CPU.

Numba renews a cached kernel when the kernel's own module changes, but not when an inlined function of
another module does (numba manual, "Notes on Caching"). So the folder is named by a digest of all
sources, and a changed codec finds an empty one.
"""

import hashlib
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Final

PREFIX: Final = "kernels-"
UNUSED_S: Final = 24 * 3600.0
"""Age from which the folder of another digest is removed.

A process uses its folder while it starts. During a rolling update, processes of two versions start on
one machine. Removing a folder too early costs one compilation.
"""
COMPLETE: Final = "complete"
"""Name of the file that is in a folder when every kernel has been compiled into it."""
ALL_BYTES: Final = 8 << 20
"""More than all kernels take."""


def open_kernel_cache(sources: Path, parent: Path, *, target: str = "") -> Path | None:
    """Return the folder for the Python files under `sources`, or None where it can't be written.

    Args:
        sources: the package's folder.
        parent: the folder that holds those of all digests; created if missing. Folders in it that no
            process has opened for `UNUSED_S` are removed.
        target: compiler and CPU. Kernels for others are in other folders.
    """
    digest = hashlib.sha256(f"{digest_sources(sources)} {target}".encode()).hexdigest()[:16]
    folder = parent / f"{PREFIX}{digest}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)  # the time of last use; also fails where nothing can be written
        if not (folder / COMPLETE).exists():
            _check_space(folder)
    except OSError:
        return None
    _remove_unused(parent, folder)
    return folder


def digest_sources(sources: Path) -> str:
    """Return 16 hexadecimal digits that change with any name or byte of the Python files."""
    digest = hashlib.sha256()
    for path in sorted(sources.rglob("*.py")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(sources).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def find_parent(configured: str) -> Path:
    """Return the parent folder: NUMBA_CACHE_DIR (`configured`), else `foveate` in the user's cache folder."""
    if configured:
        return Path(configured)
    caches = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(caches) / "foveate"


def _check_space(folder: Path) -> None:
    """Raise OSError where the folder can't take all kernels.

    Numba compiles no kernel that it can't write. Without a folder it does.
    """
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(bytes(ALL_BYTES))


def _remove_unused(parent: Path, own: Path) -> None:
    """Remove the folders that were last opened more than `UNUSED_S` ago.

    Other processes may remove the same folders at the same time. Numba recreates a missing folder
    before it writes, and compiles kernels that it can't read.
    """
    oldest = time.time() - UNUSED_S
    for folder in parent.glob(f"{PREFIX}*"):
        try:
            is_unused = folder != own and folder.stat().st_mtime < oldest
        except OSError:  # another process has removed it
            continue
        if is_unused:
            shutil.rmtree(folder, ignore_errors=True)
