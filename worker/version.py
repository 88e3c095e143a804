"""Names what the bytes of a result depend on beside the photo and its options."""

import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
# What has a say in decoding, the map or encoding. Training has none.
SOURCES: Final = ("codec/**/*.py", "model/*.py", "worker/**/*.py")
LIBRARIES: Final = ("numba", "numpy", "pillow", "torch")


def name_version(weights_version: str, arithmetic: str) -> str:
    """Return ``weights_version`` with eight digits that change with anything else that counts.

    That is our own code, the libraries that compute, and ``arithmetic``, the kind of device and its
    precision: maps differ by rounding, so their files may. It goes into ETags and into the cache's
    keys.
    """
    digest = hashlib.sha256(arithmetic.encode())
    for name in LIBRARIES:
        digest.update(f"\n{name} {version(name)}".encode())
    for pattern in SOURCES:
        for path in sorted(ROOT.glob(pattern)):
            digest.update(f"\n{path.relative_to(ROOT).as_posix()}\n".encode())
            digest.update(path.read_bytes())
    return f"{weights_version}-{digest.hexdigest()[:8]}"
