"""Rules of the house that import-linter can't see, each in a fresh interpreter."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def modules_after(statement: str) -> set[str]:
    script = f"import sys; {statement}; print(*{{name.split('.')[0] for name in sys.modules}})"
    shown = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(shown.stdout.split())


def test_the_front_end_loads_no_torch_numpy_or_worker() -> None:
    loaded = modules_after("import app.main, app.supervision.supervisor")
    assert not loaded & {"torch", "numpy", "numba", "safetensors", "worker", "model", "codec"}


def test_the_worker_loads_no_web_framework() -> None:
    loaded = modules_after("import worker.queue.batch_worker, worker.pipeline, model")
    assert not loaded & {"fastapi", "starlette", "uvicorn", "app"}


def test_the_contract_needs_the_standard_library_only() -> None:
    for path in (ROOT / "contract").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            for name in names:
                assert name.split(".")[0] in sys.stdlib_module_names | {"contract"}, (path, name)


@pytest.mark.parametrize("package", ["app", "worker", "model", "codec", "contract", "bench"])
def test_modules_stay_short(package: str) -> None:
    for path in (ROOT / package).rglob("*.py"):
        assert len(path.read_text().splitlines()) <= 350, path


@pytest.mark.parametrize("package", ["app", "worker", "model", "codec", "contract", "bench"])
def test_no_module_is_called_after_nothing(package: str) -> None:
    vague = {"utils", "helpers", "common", "shared", "manager"}
    assert not vague & {path.stem for path in (ROOT / package).rglob("*")}
