"""Files of weights, each with a `.sha256` file beside it."""

import hashlib
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "weights"
SHIPPED_WEIGHTS: Final = FOLDER / "msroi.safetensors"
# Trained on weak labels only, without recorded gaze.
SHIPPED_WEAK_WEIGHTS: Final = FOLDER / "msroi_weak.safetensors"
# SHIPPED_WEIGHTS in 8 bits, for CPUs; `python -m model.training quantize` writes it.
SHIPPED_INT8_WEIGHTS: Final = FOLDER / "msroi_int8.onnx"


def write_weights(path: Path, contents: bytes) -> str:
    """Write the file and `<stem>.sha256` (in the format of `sha256sum`), return the checksum."""
    checksum = hashlib.sha256(contents).hexdigest()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(contents)
    path.with_suffix(".sha256").write_text(f"{checksum}  {path.name}\n")
    return checksum


def read_weights(path: Path) -> tuple[bytes, str]:
    """Return the contents and the checksum.

    Raises:
        RuntimeError: the file or its checksum is missing, or they disagree.
    """
    checksum_path = path.with_suffix(".sha256")
    for required in (path, checksum_path):
        if not required.is_file():
            raise RuntimeError(f"weights: {required} is missing")
    expected = checksum_path.read_text().split()[:1]
    contents = path.read_bytes()
    checksum = hashlib.sha256(contents).hexdigest()
    if expected != [checksum]:
        raise RuntimeError(
            f"weights: {path} has the checksum {checksum}, but {checksum_path} has "
            f"{' '.join(expected) or 'none'}; restore both from the same release"
        )
    return contents, checksum
