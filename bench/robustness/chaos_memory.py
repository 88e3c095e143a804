"""What the service's processes hold: it must not grow with what they have served.

While processes are killed none lives long enough to record; so load goes on in a calm afterwards, and
what each process holds after its first uploads is set against what it holds after the last.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import psutil
from redis import Redis

from bench.load.service_process import Processes

MIB: Final = 2**20
# What allocators keep without giving it back, by role: a worker's holds photos, a front end's only
# files.
GROWTH_BYTES: Final = {"worker": 150 * MIB, "app": 60 * MIB}
# Of an emptied Redis: buffers of connections, scripts and RQ's own entries. Its resident set says
# less, for it keeps the most that it ever held.
REDIS_GROWTH_BYTES: Final = 2 * MIB

ResidentBytes = Mapping[str, Mapping[int, int]]
"""Resident bytes of each process, by role and process id."""


def read_resident_bytes(processes: Processes) -> dict[str, dict[int, int]]:
    """Return what each process holds now."""
    held: dict[str, dict[int, int]] = {}
    for role, members in processes.by_role().items():
        held[role] = {}
        for process in members:
            with suppress(psutil.NoSuchProcess):
                held[role][process.pid] = process.memory_info().rss
    return held


def find_largest(held: ResidentBytes) -> dict[str, int]:
    """Return the most that a process of each role holds."""
    return {role: max(sizes.values(), default=0) for role, sizes in held.items()}


def find_growth(first: ResidentBytes, last: ResidentBytes) -> list[str]:
    """Return which roles' processes have grown, or not lived, from the first look to the last."""
    faults = []
    for role, limit_bytes in GROWTH_BYTES.items():
        if first[role].keys() != last[role].keys():
            faults.append(f"the {role} died in the calm")
        faults += [
            f"the {role}'s memory grew"
            for pid in first[role].keys() & last[role].keys()
            if last[role][pid] - first[role][pid] > limit_bytes
        ]
    return faults


def used_bytes(connection: Redis) -> int:
    """Return what Redis itself says that its data and buffers take."""
    return int(connection.info("memory")["used_memory"])


def find_redis_growth(first_bytes: int, last_bytes: int) -> list[str]:
    """Return whether a Redis that has been emptied holds more than an empty one."""
    grew = last_bytes - first_bytes > REDIS_GROWTH_BYTES
    return ["Redis' used memory grew"] if grew else []
