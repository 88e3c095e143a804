"""Takes from a process what it doesn't need, before it reads an upload."""

import ctypes
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Final, Literal

from worker.image.confined import landlock, seccomp

Measure = Literal["limits", "landlock", "seccomp"]
LIBC: Final = ctypes.CDLL(None)
PR_SET_PDEATHSIG: Final = 1
LIBC.syscall.restype = ctypes.c_long
MEASURES: Final[tuple[Measure, ...]] = ("limits", "landlock", "seccomp")


def confine(memory_bytes: int, cpu_s: int) -> list[Measure]:
    """Confine this process for good; return what its kernel can.

    It keeps its open files, may take ``memory_bytes`` of address space beyond what it has, and runs for
    ``cpu_s``. The limits are POSIX; the rest is Linux's.
    """
    if sys.platform != "linux":
        limit({resource.RLIMIT_CPU: cpu_s})
        return ["limits"]
    memory_bytes += measure_address_space_bytes()
    landlock.forbid_new_privileges(LIBC)
    measures: list[Measure] = ["limits"]
    # First, because it opens a file, which the limits forbid. The filter forbids both calls.
    if landlock.forbid_files_and_network(LIBC):
        measures.append("landlock")
    limit({resource.RLIMIT_CPU: cpu_s, resource.RLIMIT_AS: memory_bytes})
    if seccomp.forbid_calls(LIBC):
        measures.append("seccomp")
    return measures


def end_with_parent(parent: int) -> None:
    """Have the kernel kill this process, even a stopped one, when its parent ends (Linux, prctl(2))."""
    if sys.platform != "linux":
        return
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    # It may have ended before.
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def limit(limits: dict[int, int]) -> None:
    """Set limits: the given ones, no file may be opened or written, and no core dump."""
    nothing = (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE)
    for name, wanted in {**limits, **dict.fromkeys(nothing, 0)}.items():
        _, most = resource.getrlimit(name)
        value = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        # The kernel kills at the upper limit; at the lower one a signal says which limit it was.
        upper = value + 1 if name == resource.RLIMIT_CPU and value < most % 2**63 else value
        resource.setrlimit(name, (value, upper))


def measure_address_space_bytes() -> int:
    """Return the size of this process's address space (Linux, proc_pid_statm(5))."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * resource.getpagesize()
