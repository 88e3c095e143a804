"""The version of the service, as in pyproject.toml: images install no package to read it from."""

from typing import Final

VERSION: Final = "0.1.0"
