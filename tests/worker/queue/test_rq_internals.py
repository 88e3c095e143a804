"""The installed RQ is the minor version whose internals the worker uses."""

import tomllib
from pathlib import Path

from rq.version import VERSION

from worker.queue.rq_internals import SUPPORTED_RQ

PYPROJECT = Path(__file__).parents[3] / "pyproject.toml"


def test_the_installed_rq_is_the_supported_minor_version() -> None:
    assert VERSION.split(".")[:2] == SUPPORTED_RQ.split(".")


def test_every_extra_pins_the_minor_version_of_rq() -> None:
    extras = tomllib.loads(PYPROJECT.read_text())["project"]["optional-dependencies"]
    pins = {one for needs in extras.values() for one in needs if one.startswith("rq>")}
    major, minor = map(int, SUPPORTED_RQ.split("."))
    assert pins == {f"rq>={major}.{minor},<{major}.{minor + 1}"}
