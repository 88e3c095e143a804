"""The state of one front-end process: its connections, limits and metrics, and the live workers."""

import asyncio
import contextlib
import logging
import time
from typing import Final

from redis.exceptions import RedisError

from app.cancellation import end
from app.liveness.live_workers import read_workers
from app.liveness.sweeper import Sweeper
from app.queue.client import QueueClient
from app.queue.detached import DetachedJobs
from app.queue.jobs import Jobs
from app.results.cache import ResultCache
from app.results.result import Outcome
from app.service.admission import Admission
from app.service.capacity import Capacity
from app.service.single_flight import SingleFlight
from app.settings import AppSettings
from app.telemetry.metrics import Metrics
from contract.errors import NoWorkerError, QueueUnavailableError

log = logging.getLogger(__name__)

# Workers are counted in the background, so that requests don't wait for it.
WORKER_CHECK_INTERVAL_S: Final = 1.0
# How often to look for dead workers that no supervisor watches.
SWEEP_INTERVAL_S: Final = 2.0


class Service:
    """What the routes of one front-end process share."""

    def __init__(self, settings: AppSettings) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.admission = Admission(settings.max_pending, settings.max_pending_bytes)
        self.capacity = Capacity()
        self.queue = QueueClient(
            settings.redis_url,
            result_ttl_s=settings.result_ttl_s,
            on_reply=self.metrics.observe_reply,
        )
        self.cache = ResultCache(
            self.queue.redis, max_bytes=settings.cache_max_bytes, ttl_s=settings.result_ttl_s
        )
        self.jobs = Jobs(self.queue, ttl_s=settings.result_ttl_s)
        self.detached = DetachedJobs(
            self.queue,
            self.cache,
            self.jobs,
            deadline_s=settings.job_deadline_s,
            on_result=self.metrics.observe_result,
        )
        self.event_streams = 0
        self.single_flight: SingleFlight[Outcome] = SingleFlight()
        # The versions of live workers' results: usually one, two during an update. Without a worker
        # the last ones stay, so that cached results are still found.
        self.versions: frozenset[str] = frozenset()
        # When the last live worker was lost, monotonic; None while there is one.
        self._missing_since_s: float | None = time.monotonic()
        self._redis_responds = True
        self._watch: asyncio.Task[None] | None = None
        self._sweeper = Sweeper(settings.redis_url, failure_ttl_s=settings.result_ttl_s)
        self._sweep: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start to read replies, to count workers and to look for dead ones."""
        self.queue.start()
        self._watch = asyncio.create_task(self._watch_workers(), name="workers")
        self._sweep = asyncio.create_task(self._sweep_workers(), name="sweep")

    async def stop(self) -> None:
        """Stop the background tasks and close the connections."""
        if self._watch:
            await end(self._watch)
        if self._sweep:
            await end(self._sweep)
            self._sweeper.close()
        await self.detached.stop()
        await self.queue.stop()

    async def _watch_workers(self) -> None:
        while True:
            # For other front ends on this port, which report it too.
            self.metrics.pending.set(self.admission.pending)
            with contextlib.suppress(RedisError):
                await self.count_workers()
                if error := self._find_missing_worker():
                    self.queue.fail_awaited(error)
            await asyncio.sleep(WORKER_CHECK_INTERVAL_S)

    async def count_workers(self) -> int:
        """Return how many workers are alive, and update what ``require_worker`` checks.

        Raises:
            RedisError: when Redis does not respond.
        """
        try:
            alive = await read_workers(self.queue.redis)
            queued_px = await self.queue.count_queued_px()
        except RedisError:
            self._redis_responds = False
            raise
        self._redis_responds = True
        self.capacity.update(alive, queued_px)
        self.versions = frozenset(filter(None, (one.version for one in alive))) or self.versions
        if alive:
            self._missing_since_s = None
        elif self._missing_since_s is None:
            self._missing_since_s = time.monotonic()
        return len(alive)

    async def _sweep_workers(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_INTERVAL_S)
            try:
                await asyncio.to_thread(self._sweeper.sweep)
            except Exception:  # the next attempt may succeed
                log.exception("could not look for dead workers")

    def require_redis(self) -> None:
        """Fail at once when Redis is known not to respond: a command would wait for its timeout.

        Raises:
            QueueUnavailableError: when Redis did not respond to the last check.
        """
        if not self._redis_responds:
            raise QueueUnavailableError("The queue does not respond.")

    def require_worker(self) -> None:
        """Fail when no worker is running; one that is missing for a moment may be restarting.

        Raises:
            NoWorkerError: when no worker has been alive for ``worker_grace_s``.
            QueueUnavailableError: as ``require_redis``.
        """
        self.require_redis()
        if error := self._find_missing_worker():
            raise error

    def _find_missing_worker(self) -> NoWorkerError | None:
        """Return the error if no worker has been alive for ``worker_grace_s``, else None."""
        since_s = self._missing_since_s
        if since_s is None or time.monotonic() - since_s < self.settings.worker_grace_s:
            return None
        return NoWorkerError("No worker has sent a heartbeat for a while.")
