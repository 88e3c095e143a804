"""Finds silent workers: stopped, hung, disconnected, or dead without a supervisor.

A worker sends a heartbeat at least every five seconds, and every second while it works. It is
silent when its last heartbeat stays the same for a while by this process's clock. Clocks of
different machines are not compared.
"""

import time
from collections.abc import Collection
from functools import partial

from redis import Redis
from redis.exceptions import RedisError

from app.liveness.entries import read_texts
from contract.keys import PROBE_KEY, WORKER_KEY_PREFIX, WORKERS_KEY, worker_key

# On an overloaded machine heartbeats are late by seconds.
SILENT_AFTER_S = 15.0


class Heartbeats:
    """Remembers the last heartbeat of each worker between calls."""

    def __init__(self, silent_after_s: float = SILENT_AFTER_S) -> None:
        self._silent_after_s = silent_after_s
        # For each worker its last heartbeat and when this object first saw it.
        self._seen: dict[str, tuple[bytes | None, float]] = {}

    def find_silent(self, connection: Redis, names: Collection[str] | None = None) -> set[str]:
        """Return the names of the workers whose heartbeat has not changed for ``silent_after_s``.

        With ``names`` it watches those workers, on RQ's list or not. A worker without a first
        heartbeat is not silent: it may still be starting. Without ``names`` it watches all workers
        on the list, also those whose entry has expired. While Redis is unavailable or full, no
        worker is silent, because none can send a heartbeat.
        """
        try:
            connection.set(PROBE_KEY, b"", ex=1)
            if names is None:
                remove = partial(connection.srem, WORKERS_KEY)
                keys = read_texts(connection.smembers(WORKERS_KEY), remove, "RQ's list of workers")
            else:
                keys = [worker_key(name) for name in names]
            with connection.pipeline(transaction=False) as pipeline:
                for key in keys:
                    pipeline.hget(key, "last_heartbeat")
                # A key that is no hash has an error in place of its heartbeat.
                heartbeats = [
                    one if isinstance(one, bytes) else None
                    for one in pipeline.execute(raise_on_error=False)
                ]
        except RedisError:
            self._seen.clear()
            return set()
        now_s = time.monotonic()
        seen: dict[str, tuple[bytes | None, float]] = {}
        for key, heartbeat in zip(keys, heartbeats, strict=True):
            name = key.removeprefix(WORKER_KEY_PREFIX)
            before = self._seen.get(name)
            if names is not None and heartbeat is None and before is None:
                continue
            seen[name] = before if before and before[0] == heartbeat else (heartbeat, now_s)
        self._seen = seen
        return {n for n, (_, since_s) in seen.items() if now_s - since_s >= self._silent_after_s}
