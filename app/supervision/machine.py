"""The cores and memory that this process may use, and the default number of workers.

Several workers of one thread use the cores better than one worker of several threads, because only
one thread of a process runs Python at a time. Memory bounds their number
(docs/decisions/0017-a-worker-for-each-core.md).
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

# Memory of one worker with default settings, and of Redis and a front end together
# (docs/operations.md, Memory).
WORKER_BYTES: Final = 2_500_000_000
OTHER_BYTES: Final = 1_500_000_000
MAX_WORKERS: Final = 8
CGROUPS: Final = Path("/sys/fs/cgroup")
OWN_CGROUP: Final = Path("/proc/self/cgroup")
DEVICES: Final = Path("/dev")


def choose_workers(environment: Mapping[str, str]) -> int:
    """Return the default number of workers: one for each core, as far as memory allows.

    It is 1 with a GPU, because one worker forms the batches for it. It is 1 if ``CODEC_THREADS`` is
    set, because that setting already divides the cores.
    """
    gpus = [*DEVICES.glob("nvidia[0-9]*"), *DEVICES.glob("dxg")]  # dxg: a GPU under WSL
    if (gpus and environment.get("DEVICE") != "cpu") or environment.get("CODEC_THREADS"):
        return 1
    by_memory = (count_memory_bytes() - OTHER_BYTES) // WORKER_BYTES
    return max(1, min(count_cores(), by_memory, MAX_WORKERS))


def share_cores(workers: int) -> int:
    """Return the number of codec threads for each of ``workers`` workers, rounded up."""
    return -(-count_cores() // workers)


def count_cores() -> int:
    """Return how many cores affinity and cgroup v2 allow this process, at least 1."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    for words in read_limits("cpu.max"):
        match words:
            case [quota, period] if quota.isdecimal():
                cores = min(cores, int(quota) // int(period))
    return max(1, cores)


def count_memory_bytes() -> int:
    """Return the memory that this process may use: the machine's, or cgroup v2's lower limit."""
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for words in read_limits("memory.max"):
        match words:
            case [limit] if limit.isdecimal():
                memory_bytes = min(memory_bytes, int(limit))
    return memory_bytes


def read_limits(name: str) -> list[list[str]]:
    """Return the words of the limit ``name`` of this process's control group and its parents."""
    # In a container the path is "/": the container's own group is mounted as the root.
    paths = [
        word.removeprefix("0::/") for word in read_words(OWN_CGROUP) if word.startswith("0::/")
    ]
    groups = [CGROUPS / path for path in paths] or [CGROUPS]
    return [
        read_words(folder / name)
        for group in groups
        for folder in (group, *group.parents)
        if folder.is_relative_to(CGROUPS)
    ]


def read_words(path: Path) -> list[str]:
    """Return the words of a small file, none if it can't be read."""
    try:
        return path.read_text().split()
    except OSError:
        return []
