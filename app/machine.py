"""How much of this machine is ours, and how many workers that is enough for.

A worker of one thread makes more of a core than a thread among several does: Python lets one thread
of a process run at a time (docs/architecture.md). What bounds their number is memory.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

# What one worker takes at most, with its default settings (docs/operations.md).
WORKER_BYTES: Final = 2_500_000_000
MAX_WORKERS: Final = 8
CGROUP: Final = Path("/sys/fs/cgroup")
DEVICES: Final = Path("/dev")


def choose_workers(environment: Mapping[str, str]) -> int:
    """Return how many workers to start where nobody says: one for each core, as far as memory goes.

    One where a GPU is, which one worker batches for, and where ``CODEC_THREADS`` is set: whoever
    sets it has shared the cores out.
    """
    has_gpu = environment.get("DEVICE") != "cpu" and any(DEVICES.glob("nvidia[0-9]*"))
    if has_gpu or environment.get("CODEC_THREADS"):
        return 1
    return max(1, min(count_cores(), count_memory_bytes() // WORKER_BYTES, MAX_WORKERS))


def share_cores(workers: int) -> int:
    """Return how many threads each of the workers gets for its codec."""
    return -(-count_cores() // workers)


def count_cores() -> int:
    """Return how many cores this process may use at a time, at least 1 (cgroup v2's cpu.max too)."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    match read_words(CGROUP / "cpu.max"):
        case [quota, period] if quota.isdecimal():
            cores = min(cores, int(quota) // int(period))
    return max(1, cores)


def count_memory_bytes() -> int:
    """Return how much memory there is, or this control group may take (cgroup v2's memory.max)."""
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    match read_words(CGROUP / "memory.max"):
        case [limit] if limit.isdecimal():
            memory_bytes = min(memory_bytes, int(limit))
    return memory_bytes


def read_words(path: Path) -> list[str]:
    """Return the words of a small file; none where it can't be read."""
    try:
        return path.read_text().split()
    except OSError:
        return []
