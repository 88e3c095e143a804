"""The version of results: everything that their bytes depend on, except photo and options."""

import hashlib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
# Code that decodes, predicts or encodes. Training is left out.
SOURCES: Final = ("codec/**/*.py", "model/*.py", "worker/**/*.py")
# Which of the last three there are depends on the extras that are installed.
LIBRARIES: Final = (
    *("imagecodecs", "numba", "numpy", "pillow"),
    *("onnxruntime", "pi-heif-decoder", "torch"),
)


def name_version(weights_version: str, arithmetic: str) -> str:
    """Return ``weights_version`` and eight hexadecimal digits: a digest of everything else.

    The digest covers our code, the versions of the numeric libraries, and ``arithmetic``, the kind of
    device and its precision: maps that differ by rounding may give different files. ETags and cache
    keys contain the version.
    """
    digest = hashlib.sha256(arithmetic.encode())
    for name in LIBRARIES:
        digest.update(f"\n{name} {find_version(name)}".encode())
    for pattern in SOURCES:
        for path in sorted(ROOT.glob(pattern)):
            digest.update(f"\n{path.relative_to(ROOT).as_posix()}\n".encode())
            digest.update(path.read_bytes())
    return f"{weights_version}-{digest.hexdigest()[:8]}"


def find_version(library: str) -> str:
    """Return the version of an installed library; "none" if it is not installed."""
    try:
        return version(library)
    except PackageNotFoundError:
        return "none"
