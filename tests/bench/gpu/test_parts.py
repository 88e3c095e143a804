"""Parts run in processes of their own, which end with their children."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from bench.gpu.parts import Part, run_part


def start_child(pid_file: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    pid_file.with_suffix(".new").write_text(str(child.pid))
    pid_file.with_suffix(".new").rename(pid_file)
    time.sleep(60)


def add(first: int, second: int) -> int:
    return first + second


def fail() -> None:
    raise ValueError("no figures")


def die() -> None:
    os._exit(7)


def run(measure: Any, budget_s: float = 60.0, left_s: float = 60.0, **arguments: Any) -> Any:
    """Return the outcome of a part without its time."""
    outcome = run_part(Part("one", budget_s, measure, arguments), time.monotonic() + left_s)
    assert outcome.pop("elapsed_s") >= 0
    return outcome


def test_a_part_has_its_figures_or_its_error() -> None:
    assert run(add, first=1, second=2) == {"figures": 3}
    assert run(fail) == {"error": "ValueError: no figures"}
    assert run(die) == {"error": "its process ended with 7"}


def test_a_part_that_takes_too_long_ends_with_its_children(tmp_path: Path) -> None:
    started_s = time.monotonic()
    outcome = run(start_child, budget_s=2.5, pid_file=tmp_path / "pid")
    assert outcome["error"].startswith("it took longer than")
    assert time.monotonic() - started_s < 20
    pid_file = tmp_path / "pid"
    assert not pid_file.exists() or not is_running(int(pid_file.read_text()))


def is_running(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_without_time_left_a_part_does_not_start() -> None:
    assert run(fail, left_s=0.0) == {"error": "no time left"}
