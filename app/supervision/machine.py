"""How much of this machine is ours, and how many workers that is enough for.

A worker of one thread makes more of a core than a thread among several does: Python lets one thread
of a process run at a time (docs/architecture.md). What bounds their number is memory.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

# What one worker takes at most, with its default settings, and what Redis and a front end do beside
# them (docs/operations.md).
WORKER_BYTES: Final = 2_500_000_000
OTHER_BYTES: Final = 1_500_000_000
MAX_WORKERS: Final = 8
CGROUPS: Final = Path("/sys/fs/cgroup")
OWN_CGROUP: Final = Path("/proc/self/cgroup")
DEVICES: Final = Path("/dev")


def choose_workers(environment: Mapping[str, str]) -> int:
    """Return how many workers to start where nobody says: one for each core, as far as memory goes.

    One where a GPU is, which one worker batches for, and where ``CODEC_THREADS`` is set: whoever
    sets it has shared the cores out.
    """
    gpus = [*DEVICES.glob("nvidia[0-9]*"), *DEVICES.glob("dxg")]  # the latter is WSL's
    if (gpus and environment.get("DEVICE") != "cpu") or environment.get("CODEC_THREADS"):
        return 1
    by_memory = (count_memory_bytes() - OTHER_BYTES) // WORKER_BYTES
    return max(1, min(count_cores(), by_memory, MAX_WORKERS))


def share_cores(workers: int) -> int:
    """Return how many threads each of the workers gets for its codec."""
    return -(-count_cores() // workers)


def count_cores() -> int:
    """Return how many cores this process may use at a time, at least 1 (cgroup v2's limit too)."""
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
    """Return how much memory there is, or this process's control group may take (cgroup v2)."""
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for words in read_limits("memory.max"):
        match words:
            case [limit] if limit.isdecimal():
                memory_bytes = min(memory_bytes, int(limit))
    return memory_bytes


def read_limits(name: str) -> list[list[str]]:
    """Return the words of a limit of this process's control group and of those that it is in."""
    # In a container this is the root, which is the container's own.
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
    """Return the words of a small file; none where it can't be read."""
    try:
        return path.read_text().split()
    except OSError:
        return []
