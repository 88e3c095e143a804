"""What workers and Redis report about themselves, for metrics."""

from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any, Final, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from contract.keys import (
    DEATHS_FIELD,
    DEVICE_MEMORY_FIELD,
    JOBS_FIELD_PREFIX,
    MEMORY_FIELD,
    OPEN_JOBS_FIELD,
    OUTCOMES,
    STARTS_FIELD,
    TOTALS_KEY,
    WORKER_KEY_PREFIX,
    WORKERS_KEY,
)

# Digits of the largest number that is believed.
MAX_DIGITS: Final = 18
# Names become labels of metrics.
MAX_NAME_CHARS: Final = 64


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """What one live worker reports; None is unknown, or without a GPU."""

    name: str
    memory_bytes: int | None
    device_memory_bytes: int | None
    open_jobs: int | None


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts of all workers since Redis was emptied, the live workers' reports, Redis' memory.

    ``redis_max_memory_bytes`` is None without a limit, both are None where ``INFO`` is not allowed.
    """

    starts: int = 0
    deaths: int = 0
    jobs: dict[str, int] = field(default_factory=dict)
    workers: tuple[WorkerReport, ...] = ()
    redis_memory_bytes: int | None = None
    redis_max_memory_bytes: int | None = None


async def read_statistics(redis: Redis) -> Statistics:
    """Return the present statistics.

    Raises:
        RedisError: when Redis can't be reached.
    """
    keys = sorted(await cast("Awaitable[set[bytes]]", redis.smembers(WORKERS_KEY)))
    fields = ["last_heartbeat", MEMORY_FIELD, DEVICE_MEMORY_FIELD, OPEN_JOBS_FIELD]
    async with redis.pipeline(transaction=False) as pipeline:
        pipeline.hgetall(TOTALS_KEY)
        pipeline.info("memory")
        for key in keys:
            pipeline.hmget(key, fields)
        totals, memory, *workers = await pipeline.execute(raise_on_error=False)
    if isinstance(totals, RedisError):
        raise totals
    counts = {to_label(name): parse_count(value) or 0 for name, value in totals.items()}
    # A key that is no hash has an error in place of its fields.
    readable = [one if isinstance(one, list) else [None] * len(fields) for one in workers]
    # A user of Redis may lack the right to this command.
    found: dict[str, Any] = memory if isinstance(memory, dict) else {}
    return Statistics(
        counts.get(STARTS_FIELD, 0),
        counts.get(DEATHS_FIELD, 0),
        {outcome: counts.get(JOBS_FIELD_PREFIX + outcome, 0) for outcome in OUTCOMES},
        tuple(
            WorkerReport(
                to_label(key),
                *map(parse_count, reported),
            )
            for key, (heartbeat, *reported) in zip(keys, readable, strict=True)
            if heartbeat
        ),
        found.get("used_memory"),
        found.get("maxmemory") or None,
    )


def to_label(raw: bytes) -> str:
    """Return a name as printable text; Redis may hold any bytes."""
    name = raw.decode(errors="replace").removeprefix(WORKER_KEY_PREFIX)[:MAX_NAME_CHARS]
    return "".join(char if char.isprintable() else "\ufffd" for char in name)


def parse_count(raw: bytes | None) -> int | None:
    """Return a whole number of ordinary size, None for anything else."""
    if not raw or not raw.isdigit() or len(raw) > MAX_DIGITS:
        return None
    return int(raw)
