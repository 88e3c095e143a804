"""Memory of the service's processes, which must not grow with the photos served.

It is compared before and after the faults. Killed processes do not live long enough to show growth. So
load continues after the kills, and each process's memory after the first round of uploads is compared
with its memory after the last.
"""

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import psutil
from redis import Redis

from bench.load.service_process import Processes
from bench.robustness.chaos_leftovers import connect_to_redis

MIB: Final = 2**20
# Growth that allocators may cause, by role: workers hold decoded photos, front ends only files.
GROWTH_BYTES: Final = {"worker": 150 * MIB, "app": 60 * MIB}
# For connection buffers, scripts and RQ's entries in an empty Redis. The used memory is compared:
# the resident set does not shrink after a peak.
REDIS_GROWTH_BYTES: Final = 2 * MIB
# How long after the last request memory may be above its start.
RECOVERY_TIMEOUT_S: Final = 60.0

ResidentBytes = Mapping[str, Mapping[int, int]]
"""Resident bytes of each process, by role and process id."""


def read_resident_bytes(processes: Processes) -> dict[str, dict[int, int]]:
    """Return the resident bytes of each process now."""
    held: dict[str, dict[int, int]] = {}
    for role, members in processes.by_role().items():
        held[role] = {}
        for process in members:
            with suppress(psutil.NoSuchProcess):
                held[role][process.pid] = process.memory_info().rss
    return held


def find_largest(held: ResidentBytes) -> dict[str, int]:
    """Return the largest resident set of each role."""
    return {role: max(sizes.values(), default=0) for role, sizes in held.items()}


def find_growth(first: ResidentBytes, last: ResidentBytes) -> list[str]:
    """Return which roles' processes have grown or died between two readings."""
    faults = []
    for role, limit_bytes in GROWTH_BYTES.items():
        if first[role].keys() != last[role].keys():
            faults.append(f"the {role} died without a kill")
        faults += [
            f"the {role}'s memory grew"
            for pid in first[role].keys() & last[role].keys()
            if last[role][pid] - first[role][pid] > limit_bytes
        ]
    return faults


def read_memory(processes: Processes) -> dict[str, int]:
    """Return the largest resident set of front ends and workers, and the used memory of Redis."""
    largest = find_largest(read_resident_bytes(processes))
    with connect_to_redis(processes) as connection:
        return {**largest, "redis": used_bytes(connection)}


def wait_for_memory(processes: Processes, before: Mapping[str, int]) -> dict[str, Any]:
    """Wait up to `RECOVERY_TIMEOUT_S` until memory is what it was ``before``; return the readings."""
    started_s = time.monotonic()
    while True:
        now = read_memory(processes)
        faults = find_excess(before, now)
        elapsed_s = time.monotonic() - started_s
        if not faults or elapsed_s > RECOVERY_TIMEOUT_S:
            break
        time.sleep(0.5)
    return {
        "before_bytes": dict(before),
        "after_bytes": now,
        "after_s": elapsed_s,
        "faults": faults,
    }


def find_excess(before: Mapping[str, int], now: Mapping[str, int]) -> list[str]:
    """Return which roles hold more memory than before, beyond what allocators may cause."""
    limits_bytes = {**GROWTH_BYTES, "redis": REDIS_GROWTH_BYTES}
    return [
        f"the {role}'s memory is above its start"
        for role, limit_bytes in limits_bytes.items()
        if now[role] - before[role] > limit_bytes
    ]


def used_bytes(connection: Redis) -> int:
    """Return the memory that Redis reports for its data and buffers."""
    return int(connection.info("memory")["used_memory"])


def find_redis_growth(first_bytes: int, last_bytes: int) -> list[str]:
    """Return a fault if an emptied Redis holds more than it did at the start."""
    grew = last_bytes - first_bytes > REDIS_GROWTH_BYTES
    return ["Redis' used memory grew"] if grew else []
