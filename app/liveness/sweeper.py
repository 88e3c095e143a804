"""Returns the jobs of silent workers to the queue; every front end runs it from time to time.

A supervisor does this at once, for the worker processes that it started. In containers or on several
machines no supervisor sees a worker die; its missing heartbeats show it.
"""

import logging
import time

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq.queue import Queue
from rq.serializers import JSONSerializer

from app.liveness.heartbeats import SILENT_AFTER_S, Heartbeats
from app.liveness.recovery import recover, requeue_stuck
from contract.keys import QUEUE_NAME

log = logging.getLogger(__name__)

SOCKET_TIMEOUT_S = 5


class Sweeper:
    """Looks for silent workers, and for jobs that a worker took from the queue and never started."""

    def __init__(
        self, redis_url: str, *, failure_ttl_s: int, silent_after_s: float = SILENT_AFTER_S
    ) -> None:
        # A separate connection: the sweep runs in a thread of its own and may wait long.
        self._redis = Redis.from_url(
            redis_url, socket_timeout=SOCKET_TIMEOUT_S, retry=Retry(NoBackoff(), 0)
        )
        self._queue = Queue(QUEUE_NAME, connection=self._redis, serializer=JSONSerializer)
        self._failure_ttl_s = failure_ttl_s
        self._stuck_after_s = silent_after_s
        self._heartbeats = Heartbeats(silent_after_s)
        self._stuck_since_s: dict[str, float] = {}

    def sweep(self) -> int:
        """Return how many jobs returned to the queue; 0 while Redis can't be reached."""
        try:
            count = self._sweep_stuck()
            for name in self._heartbeats.find_silent(self._redis):
                log.warning("worker %s sends no heartbeats; its jobs return to the queue", name)
                count += recover(self._redis, name, failure_ttl_s=self._failure_ttl_s)
        except RedisError as error:
            self._stuck_since_s.clear()
            log.debug("sweep skipped, Redis is unavailable: %s", error)
            return 0
        return count

    def close(self) -> None:
        """Close the connection."""
        self._redis.close()

    def _sweep_stuck(self) -> int:
        """Return jobs to the queue that have been on the intermediate list for too long."""
        now_s = time.monotonic()
        self._stuck_since_s = {
            job_id: self._stuck_since_s.get(job_id, now_s)
            for job_id in self._queue.intermediate_queue.get_job_ids()
        }
        stuck = {
            job_id
            for job_id, since_s in self._stuck_since_s.items()
            if now_s - since_s >= self._stuck_after_s
        }
        return requeue_stuck(self._queue, stuck) if stuck else 0
