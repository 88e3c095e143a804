"""Compiled kernels for mutants of the codec: those that a fault can't change are compiled once.

The codec's cache is named by a digest of all its sources (`codec.kernel_cache`), so a mutant finds an
empty one. It gets the kernels of all modules that do not import the mutated one, directly or not; a
kernel contains code and constants of imported modules.
"""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

from codec.kernel_cache import PREFIX, digest_sources

WARM_UP = "import codec; codec.warm_up()"


def compile_kernels(copy: Path) -> None:
    """Compile the kernels of a copy of the project, into a folder beside it."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(copy.parent / "compiled")}
    subprocess.run([sys.executable, "-c", WARM_UP], cwd=copy, env=environment, check=True)


def take_kernels(copy: Path, module: str) -> Path:
    """Return a folder of kernels for a copy with a fault in `module`: those that it does not change."""
    (compiled,) = (copy.parent / "compiled").iterdir()
    target = copy.parent / "kernels" / f"{PREFIX}{digest_sources(copy / 'codec')}"
    shutil.copytree(compiled, target)
    changed = {Path(name).stem for name in find_dependents(copy, module)}
    for path in target.rglob("*.nb?"):
        if path.name.partition(".")[0] in changed:
            path.unlink()
    return target


def find_dependents(root: Path, module: str) -> set[str]:
    """Return the codec's modules that import `module`, directly or not, and itself."""
    paths = [path.relative_to(root).as_posix() for path in (root / "codec").rglob("*.py")]
    imports = {path: list_imports(root / path) for path in paths}
    found, added = set[str](), {module}
    while added:
        found |= added
        names = {name.removesuffix(".py").replace("/", ".") for name in found}
        added = {path for path in paths if imports[path] & names} - found
    return found


def list_imports(path: Path) -> set[str]:
    """Return the full names of the modules that a file imports, and of what it imports from them."""
    names = set[str]()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names
