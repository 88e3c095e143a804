"""What ``make run`` installs: without a GPU no PyTorch, and yet all that the service imports."""

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from worker.version import LIBRARIES

ROOT = Path(__file__).parent.parent
FOUND = "echo 'GPU 0: NVIDIA L4 (UUID: GPU-0)'"
# Some versions print this to standard output.
NO_DRIVER = "echo 'NVIDIA-SMI has failed: no communication with the NVIDIA driver'; exit 9"
NOT_INSTALLED = "exit 127"
IMPORT_EVERYTHING = """
import importlib, pkgutil
import app.__main__, worker.__main__
for package in (app, worker):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)
predictor = worker.__main__.open_predictor("auto")
predictor.warm_up(1)
print(worker.__main__.name_version(predictor.version, predictor.arithmetic))
"""


def extras_of_make_run(folder: Path, nvidia_smi: str, *arguments: str) -> list[str]:
    """Return the extras that ``make run`` installs where ``nvidia-smi`` is this shell script."""
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{nvidia_smi}\n")
    program.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if name != "DEVICE"}
    environment["PATH"] = f"{folder}:{environment['PATH']}"
    command = ["make", "--dry-run", "run", f"VENV={folder}/.venv", *arguments]
    printed = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    (extras,) = re.findall(r"pip install .*'\.\[([\w,-]+)\]'", printed.stdout)
    return sorted(extras.split(","))


def installed_by(extras: list[str]) -> set[str]:
    """Return the names of the distributions that these extras of the project bring, all in all.

    The requirements of a dependency are those of its installed version.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    pending = [Requirement(f"foveate[{','.join(extras)}]")]
    found: set[tuple[str, str]] = set()
    while pending:
        requirement = pending.pop()
        name = canonicalize_name(requirement.name)
        for extra in {"", *requirement.extras}:
            if (name, extra) in found:
                continue
            found.add((name, extra))
            if name == "foveate":
                lines = project["optional-dependencies"].get(extra, [])
            else:
                lines = distribution(name).requires or []
            needed = map(Requirement, lines)
            pending += [r for r in needed if not r.marker or r.marker.evaluate({"extra": extra})]
    return {name for name, _ in found} - {"foveate"}


def link_distributions(names: set[str], folder: Path) -> None:
    """Fill ``folder`` like a ``site-packages`` that holds these distributions only."""
    for name in names:
        installed = distribution(name)
        for entry in {file.parts[0] for file in installed.files or ()} - {"..", "__pycache__"}:
            link = folder / entry
            if not link.exists():  # several distributions may share a namespace
                link.symlink_to(str(installed.locate_file(entry)))


@pytest.mark.parametrize(
    ("nvidia_smi", "arguments", "worker"),
    [
        (NOT_INSTALLED, [], "worker-cpu"),
        (NO_DRIVER, [], "worker-cpu"),
        (FOUND, [], "worker-cuda"),
        (FOUND, ["DEVICE=auto"], "worker-cuda"),
        (NO_DRIVER, ["DEVICE=auto"], "worker-cpu"),
        (FOUND, ["DEVICE=cpu"], "worker-cpu"),
        (NOT_INSTALLED, ["DEVICE=cuda:1"], "worker-cuda"),
    ],
)
def test_make_run_installs_for_a_gpu_only_where_there_is_one(
    tmp_path: Path, nvidia_smi: str, arguments: list[str], worker: str
) -> None:
    extras = extras_of_make_run(tmp_path, nvidia_smi, *arguments)
    assert [extra for extra in extras if extra.startswith("worker")] == [worker]


def test_an_installation_without_a_gpu_has_no_torch(tmp_path: Path) -> None:
    names = installed_by(extras_of_make_run(tmp_path, NOT_INSTALLED))
    assert "onnxruntime" in names
    # Tracing is opted into.
    unwanted = re.compile(r"torch|triton|nvidia-|cuda-|safetensors|sympy|opentelemetry-sdk")
    assert not [name for name in names if unwanted.match(name)]


def test_an_installation_for_a_gpu_serves_on_the_cpu_as_well(tmp_path: Path) -> None:
    with_gpu = installed_by(extras_of_make_run(tmp_path, FOUND))
    without = installed_by(extras_of_make_run(tmp_path, NOT_INSTALLED))
    assert with_gpu >= without | {"torch", "safetensors"}


def test_the_version_of_results_names_libraries_that_workers_have(tmp_path: Path) -> None:
    assert set(LIBRARIES) <= installed_by(extras_of_make_run(tmp_path, FOUND))


def test_what_make_run_installs_without_a_gpu_is_all_that_the_service_imports(
    tmp_path: Path,
) -> None:
    packages = tmp_path / "packages"
    packages.mkdir()
    link_distributions(installed_by(extras_of_make_run(tmp_path, NOT_INSTALLED)), packages)
    script = f"import sys; sys.path += [{str(ROOT)!r}, {str(packages)!r}]\n{IMPORT_EVERYTHING}"
    # -I and -S leave out all other packages of this environment.
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert re.fullmatch(r"[0-9a-f]{12}-[0-9a-f]{8}\n", ran.stdout)
