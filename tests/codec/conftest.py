"""Shared by the tests of compiled kernels: a copy of the codec."""

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a folder with a copy of the codec, which imports its modules only as needed."""
    folder = tmp_path / "copy"
    shutil.copytree(ROOT / "codec", folder / "codec", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "codec" / "__init__.py").write_text("")
    return folder
