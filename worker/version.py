"""The version of results: everything that their bytes depend on, except photo and options."""

import hashlib
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
# Code that decodes, predicts or encodes. Training is left out.
SOURCES: Final = ("codec/**/*.py", "model/*.py", "worker/**/*.py")
# Those that are not installed take no part.
LIBRARIES: Final = (
    "imagecodecs",
    "numba",
    "numpy",
    "onnxruntime",
    "pi-heif-decoder",
    "pillow",
    "thash",
    "torch",
)


def name_version(weights_version: str, arithmetic: str) -> str:
    """Return ``weights_version`` and eight hexadecimal digits: a digest of everything else.

    The digest covers our code, the versions of the numeric libraries, and ``arithmetic``, the kind of
    device and its precision: maps that differ by rounding may give different files. ETags and cache
    keys contain the version.
    """
    digest = hashlib.sha256(arithmetic.encode())
    for name in LIBRARIES:
        with suppress(PackageNotFoundError):
            digest.update(f"\n{name} {version(name)}".encode())
    for pattern in SOURCES:
        for path in sorted(ROOT.glob(pattern)):
            digest.update(f"\n{path.relative_to(ROOT).as_posix()}\n".encode())
            digest.update(path.read_bytes())
    return f"{weights_version}-{digest.hexdigest()[:8]}"
