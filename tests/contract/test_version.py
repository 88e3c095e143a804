"""The version in the code equals the one in pyproject.toml."""

import tomllib
from pathlib import Path

from contract.version import VERSION

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def test_the_version_equals_that_of_pyproject() -> None:
    assert tomllib.loads(PYPROJECT.read_text())["project"]["version"] == VERSION
