"""Kernels are compiled once, by several processes, whatever ends meanwhile."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from codec.kernel_cache import COMPLETE
from codec.kernel_compiler import find_functions, group_kernels
from codec.kernel_signatures import read_signatures
from tests.codec.copies import RUN_KERNEL, finish, run, start

COUNT = "codec.jpeg.quantize.rdoq.count_ac_symbols (Array(int16, 3, 'C'), int64, int64, Array(int64, 1, 'C'))"
TOKENS = "codec.jpeg.write.tokens._count_tokens (Array(int32, 1, 'C'), Array(int64, 1, 'C'))"
COMPILE = """
import json
from codec.kernel_compiler import compile_kernels
reports = []
compile_kernels(lambda *report: reports.append(report))
print(json.dumps(reports))
"""


@pytest.fixture
def short(copy: Path) -> Path:
    """Return a copy of the codec that lists two quick kernels."""
    (copy / "codec" / "kernel_signatures.txt").write_text(f"{COUNT}\n{TOKENS}\n")
    return copy


def is_complete(copy: Path) -> bool:
    return bool(list((copy.parent / "kernels").glob(f"*/{COMPLETE}")))


def test_all_kernels_are_compiled_and_then_read(short: Path) -> None:
    assert json.loads(run(short, COMPILE)) == [[0, 2], [1, 2], [2, 2]]
    assert is_complete(short)
    assert run(short, RUN_KERNEL) == "1 1"
    assert json.loads(run(short, COMPILE)) == []


def test_of_two_that_start_together_one_compiles_and_one_waits(short: Path) -> None:
    processes = [start(short, COMPILE) for _ in range(2)]
    reports = sorted(json.loads(finish(process)) for process in processes)
    assert reports == [[], [[0, 2], [1, 2], [2, 2]]]


def test_after_a_kill_nothing_is_left_and_the_next_start_compiles_the_rest(short: Path) -> None:
    first = start(short, COMPILE.replace("reports.append(report)", "print(report, flush=True)"))
    assert first.stdout is not None
    assert first.stdout.readline() == "(0, 2)\n"
    first.kill()
    # Its processes hold its standard error: this ends when they have ended.
    first.communicate(timeout=120)
    assert not is_complete(short)
    assert json.loads(run(short, COMPILE))[-1] == [2, 2]
    assert is_complete(short)


def test_a_kernel_that_can_not_be_compiled_costs_its_process_only(short: Path) -> None:
    wrong = COUNT.replace("Array(int16, 3, 'C'), ", "")
    (short / "codec" / "kernel_signatures.txt").write_text(f"{wrong}\n{TOKENS}\n")
    assert json.loads(run(short, COMPILE))[-1] == [1, 2]
    assert not is_complete(short)
    assert run(short, RUN_KERNEL) == "1"


def test_a_full_disk_takes_the_cache_only(short: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

    script = f"{COMPILE}{RUN_KERNEL}"
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(short.parent / "kernels")}
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=short, env=environment, preexec_fn=limit,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == ["[]", "1"]
    assert not list(short.parent.rglob("*.nbi"))


def test_no_two_groups_compile_the_same_function() -> None:
    groups = group_kernels()
    assert sum(map(len, groups)) == len(read_signatures())
    assert len(groups) <= 256  # a number fits into a byte
    seen: set[object] = set()
    for group in groups:
        functions = set().union(*(find_functions(kernel) for kernel, _ in group))
        assert seen.isdisjoint(functions)
        seen |= functions
    # Callees count: these two have one in common.
    names = [{kernel.py_func.__name__ for kernel, _ in group} for group in groups]
    assert {"_write_scan", "_write_tokens"} in names
