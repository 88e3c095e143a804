"""An RQ worker that outlives its Redis: gone, full or emptied, it is waited for."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from redis.exceptions import RedisError
from rq.worker import SimpleWorker
from rq.worker_registration import WORKERS_BY_QUEUE_KEY
from rq.worker_registration import register as register_worker

from contract.keys import VERSION_FIELD
from worker.replies import UNAVAILABLE

log = logging.getLogger(__name__)

HEARTBEAT_INTERVAL_S = 1.0
OUTAGE_PAUSE_S = 0.2
# A worker that is to stop holds on to what it can't store for this long.
STOP_PATIENCE_S = 10.0


class SteadyWorker(SimpleWorker):
    """Reports while it works, registers again where it is forgotten, and waits for Redis."""

    # RQ waits up to a minute between its tries to reach Redis.
    max_connection_wait_time = 1.0

    result_version = ""
    """Of the results that come from here; front ends read it in this worker's registration."""

    _beaten_s = 0.0
    _outage_since_s: float | None = None

    @property
    def stopping(self) -> bool:
        """Whether this worker has been told to end."""
        return self._shutdown_requested_date is not None

    def register_birth(self) -> None:
        """Register with RQ, and tell the front ends which version of results comes from here."""
        super().register_birth()  # type: ignore[no-untyped-call]
        if self.result_version:
            self.connection.hset(self.key, VERSION_FIELD, self.result_version)

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """Tell that this worker lives; register it again with a Redis that was emptied."""
        super().heartbeat(timeout, pipeline)
        if pipeline is not None or time.monotonic() - self._beaten_s < HEARTBEAT_INTERVAL_S:
            return
        self._beaten_s = time.monotonic()
        key = WORKERS_BY_QUEUE_KEY % self.queues[0].name
        if not self.connection.sismember(key, self.key):
            log.warning("registering again: Redis knew this worker no more")
            with self.connection.pipeline() as again:
                again.hset(self.key, mapping=self.serialize())
                if self.result_version:
                    again.hset(self.key, VERSION_FIELD, self.result_version)
                again.hdel(self.key, "death")
                self.set_state(self.get_state(), pipeline=again)
                register_worker(self, again)
                again.expire(self.key, timeout or self.worker_ttl + 60)
                again.execute()

    def beat(self) -> None:
        """Send a heartbeat when it is time for one."""
        if time.monotonic() - self._beaten_s >= HEARTBEAT_INTERVAL_S:
            self.heartbeat()

    def set_shutdown_requested_date(self) -> None:
        """Record the order to stop; it holds as well when Redis can't take the record."""
        with suppress(RedisError):
            super().set_shutdown_requested_date()  # type: ignore[no-untyped-call]

    def outlast(self, work: Callable[[], None]) -> None:
        """Do ``work``; while Redis can't be reached or takes nothing, wait and let it be done later."""
        try:
            work()
            self._outage_since_s = None
        except UNAVAILABLE as error:
            now_s = time.monotonic()
            if self._outage_since_s is None:
                self._outage_since_s = now_s
                log.warning("waiting for Redis: %s", error)
            if self.stopping and now_s - self._outage_since_s > STOP_PATIENCE_S:
                raise
            time.sleep(OUTAGE_PAUSE_S)
