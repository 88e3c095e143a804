"""Which workers have gone silent: stopped, hung, cut off, or dead where nobody watches their process.

A worker reports at least every five seconds, and every second while it works. What counts is
whether its last word changes while we look, so no clock of another machine is trusted.
"""

import time
from collections.abc import Collection

from redis import Redis
from redis.exceptions import RedisError
from rq.utils import as_text
from rq.worker import SimpleWorker
from rq.worker_registration import WORKERS_BY_QUEUE_KEY

from contract.keys import QUEUE_NAME

# A worker on a machine that is out of breath is late by seconds; starting one takes longer still.
SILENT_AFTER_S = 15.0
PROBE_KEY = "foveate:writable"


class Heartbeats:
    """Watches the last words of all workers, from look to look."""

    def __init__(self, silent_after_s: float = SILENT_AFTER_S) -> None:
        self._silent_after_s = silent_after_s
        # Last word, and since when it is the last.
        self._heard: dict[str, tuple[bytes | None, float]] = {}

    def find_silent(self, connection: Redis, names: Collection[str] | None = None) -> set[str]:
        """Return the names of the workers that have said nothing new for too long.

        Asked for ``names`` it watches those, taken off RQ's list or not, from their first word on:
        they may be starting. Otherwise it watches all that are on the list, also those whose words
        have expired. Nobody is silent while Redis is gone or full: then no worker can be heard.
        """
        try:
            connection.set(PROBE_KEY, b"", ex=1)
            prefix = SimpleWorker.redis_worker_namespace_prefix
            if names is None:
                listed = connection.smembers(WORKERS_BY_QUEUE_KEY % QUEUE_NAME)
                keys = [as_text(raw) for raw in listed]
            else:
                keys = [f"{prefix}{name}" for name in names]
            with connection.pipeline(transaction=False) as pipeline:
                for key in keys:
                    pipeline.hget(key, "last_heartbeat")
                words = pipeline.execute()
        except RedisError:
            self._heard.clear()
            return set()
        now_s = time.monotonic()
        heard: dict[str, tuple[bytes | None, float]] = {}
        for key, word in zip(keys, words, strict=True):
            name = key.removeprefix(prefix)
            before = self._heard.get(name)
            if names is not None and word is None and before is None:
                continue
            heard[name] = before if before and before[0] == word else (word, now_s)
        self._heard = heard
        return {n for n, (_, since_s) in heard.items() if now_s - since_s >= self._silent_after_s}
