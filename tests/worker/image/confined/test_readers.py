"""The confined readers are those of accepted formats, and the worker loads none of them."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from contract.images import IMAGE_FORMATS
from worker.image.confined.readers import MODULES

ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize("name", MODULES)
def test_each_module_has_a_reader(name: str) -> None:
    assert name in IMAGE_FORMATS
    assert callable(import_module(MODULES[name]).read)


def test_the_worker_loads_no_confined_reader() -> None:
    script = "import sys, worker.image.decode; print(*sys.modules)"
    shown = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not {"pi_heif", *MODULES.values()} & set(shown.stdout.split())
