"""Compiles all kernels into an empty cache, in several processes at once.

Numba compiles one kernel at a time in a process. Threads don't help: most of the work is Python. The
processes end after it, and their memory with them.
"""

import contextlib
import fcntl
import gc
import importlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType
from typing import Any, Final

from numba.core.dispatcher import Dispatcher
from numba.core.sigutils import normalize_signature

from codec.jit import CACHE
from codec.kernel_cache import COMPLETE
from codec.kernel_signatures import read_signatures

Kernel = tuple[Any, tuple[Any, ...]]
"""A kernel with the types of its arguments."""

LOCK: Final = "lock"
MAX_PROCESSES: Final = 4
"""Each takes 0.3 GB while it compiles."""


def compile_kernels(report: Callable[[int, int], None]) -> None:
    """Compile all kernels into the cache if they are not there; return when they are.

    If another process compiles them, wait for it. What goes wrong is printed to standard error. It
    costs time only: a kernel that is missing from the cache is compiled on its first call.

    Args:
        report: called with the number of compiled kernels and of all, from this thread.
    """
    if CACHE is None or (CACHE / COMPLETE).exists():
        return
    with _locked(CACHE):
        if not (CACHE / COMPLETE).exists() and _run_processes(report):
            # Numba may have lost its folder to a process that removes unused ones.
            with contextlib.suppress(OSError):
                (CACHE / COMPLETE).touch()


def group_kernels() -> list[list[Kernel]]:
    """Return the kernels in groups of which no two compile the same function, the largest first.

    Two processes that compile one function for different types at the same time may write the
    same file of numba's cache.
    """
    groups: list[tuple[set[Any], list[Kernel]]] = []
    for name, text in read_signatures():
        # These are keys of the cache; the text would be another.
        types, _ = normalize_signature(text)  # type: ignore[no-untyped-call]
        module, _, function = name.rpartition(".")
        kernel = getattr(importlib.import_module(module), function)
        functions, kernels = find_functions(kernel), [(kernel, types)]
        for joined in [group for group in groups if not functions.isdisjoint(group[0])]:
            groups.remove(joined)
            functions, kernels = functions | joined[0], joined[1] + kernels
        groups.append((functions, kernels))
    groups.sort(key=lambda group: sum(_count_bytes(one) for one in group[0]), reverse=True)
    return [kernels for _, kernels in groups]


def find_functions(kernel: Any) -> set[Any]:
    """Return a kernel and what it calls, except for what is inlined: the functions of the cache."""
    found, unseen = set(), [kernel]
    while unseen:
        found.add(one := unseen.pop())
        names = (one.py_func.__globals__.get(name) for name in one.py_func.__code__.co_names)
        unseen += [
            called for called in names if isinstance(called, Dispatcher) and called not in found
        ]
    return {one for one in found if one.targetoptions.get("inline") != "always"}


def _count_bytes(kernel: Any) -> int:
    """Return the size of a function's bytecode: roughly proportional to the time of its compilation."""
    code: CodeType = kernel.py_func.__code__
    return len(code.co_code)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; the kernel releases it when this process ends in any way."""
    with contextlib.ExitStack() as stack:
        # Some network file systems have no locks. Without one, two processes may compile the same.
        with contextlib.suppress(OSError):
            file = stack.enter_context((folder / LOCK).open("w"))
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _run_processes(report: Callable[[int, int], None]) -> bool:
    """Run the processes; return whether they have compiled everything."""
    groups = group_kernels()
    total = sum(map(len, groups))
    # Pipes, which are gone with this process: one of work, from which each process takes one byte at a
    # time, the number of a group, and one to which each writes a byte for each compiled kernel.
    work, work_in = os.pipe()
    done, done_in = os.pipe()
    os.write(work_in, bytes(range(len(groups))))
    os.close(work_in)
    command = [sys.executable, "-m", "codec.kernel_compiler"]
    folder = Path(__file__).parents[1]
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    processes: list[subprocess.Popen[bytes]] = []
    with contextlib.suppress(OSError):  # no room for another process
        processes.extend(
            subprocess.Popen(command, cwd=folder, stdin=work, stdout=done_in)  # noqa: S603
            for _ in range(min(cores, MAX_PROCESSES))
        )
    os.close(work)
    os.close(done_in)
    compiled = 0
    report(compiled, total)
    # Ends when every process has ended.
    while received := os.read(done, 1):
        compiled += len(received)
        report(compiled, total)
    os.close(done)
    for process in processes:
        process.wait()
    return compiled == total


def main() -> None:
    """Compile groups of kernels until none is left on standard input."""
    gc.disable()  # its walks through numba's many small objects take 8 % of the time
    groups = group_kernels()
    with contextlib.suppress(BrokenPipeError):  # the process that started this one has ended
        while number := os.read(sys.stdin.fileno(), 1):
            for kernel, types in groups[number[0]]:
                kernel.compile(types)
                os.write(sys.stdout.fileno(), b".")


if __name__ == "__main__":
    main()
