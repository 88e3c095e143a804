"""Returns the jobs of silent workers to the queue; every front end does this periodically.

A supervisor requeues the jobs of its own worker processes as soon as they end. In containers or on
several machines there is no supervisor, and only missing heartbeats show that a worker is dead.
"""

import logging
import time

from redis.exceptions import RedisError, ResponseError
from rq.queue import Queue
from rq.serializers import JSONSerializer

from app.liveness.heartbeats import SILENT_AFTER_S, Heartbeats
from app.liveness.recovery import read_intermediate, recover, requeue_stuck
from app.redis import connect_sync
from contract.keys import QUEUE_NAME

log = logging.getLogger(__name__)

REDIS_TIMEOUT_S = 5.0


class Sweeper:
    """Requeues jobs of silent workers, and jobs that a worker took and never started."""

    def __init__(
        self, redis_url: str, *, failure_ttl_s: int, silent_after_s: float = SILENT_AFTER_S
    ) -> None:
        # Synchronous, because RQ's classes are; a sweep runs in a thread of its own.
        self._redis = connect_sync(redis_url, timeout_s=REDIS_TIMEOUT_S)
        self._queue = Queue(QUEUE_NAME, connection=self._redis, serializer=JSONSerializer)
        self._failure_ttl_s = failure_ttl_s
        self._stuck_after_s = silent_after_s
        self._heartbeats = Heartbeats(silent_after_s)
        self._stuck_since_s: dict[str, float] = {}
        # Silent workers whose jobs could not be requeued. It is tried again, and logged once.
        self._failed: set[str] = set()

    def sweep(self) -> int:
        """Requeue jobs and return how many; 0 if Redis can't be reached."""
        try:
            count = self._sweep_stuck()
            silent = self._heartbeats.find_silent(self._redis)
            self._failed &= silent
            count += sum(map(self._recover, silent))
        except RedisError as error:
            self._stuck_since_s.clear()
            log.debug("sweep skipped, Redis is unavailable: %s", error)
            return 0
        return count

    def _recover(self, name: str) -> int:
        if name not in self._failed:
            log.warning("worker %s sends no heartbeats; requeueing its jobs", name)
        try:
            return recover(self._redis, name, failure_ttl_s=self._failure_ttl_s)
        except Exception as error:  # RQ raises several kinds for data that it can't read
            # An error in Redis' response, as for a key of another type, is that worker's only.
            if isinstance(error, RedisError) and not isinstance(error, ResponseError):
                raise
            if name not in self._failed:
                log.exception("the jobs of worker %s can't be requeued", name)
            self._failed.add(name)
            return 0

    def close(self) -> None:
        """Close the connection."""
        self._redis.close()

    def _sweep_stuck(self) -> int:
        """Requeue jobs that have been on the intermediate list for too long; return how many."""
        now_s = time.monotonic()
        self._stuck_since_s = {
            job_id: self._stuck_since_s.get(job_id, now_s)
            for job_id in read_intermediate(self._redis)
        }
        stuck = {
            job_id
            for job_id, since_s in self._stuck_since_s.items()
            if now_s - since_s >= self._stuck_after_s
        }
        return requeue_stuck(self._queue, stuck) if stuck else 0
