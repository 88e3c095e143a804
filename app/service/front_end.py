"""What the routes share: settings, queue, cache, jobs, admission, metrics, and which workers live."""

import asyncio
import contextlib
import logging
import time

from redis.exceptions import RedisError

from app.cancellation import end
from app.liveness.live_workers import read_versions
from app.liveness.sweeper import Sweeper
from app.queue.client import QueueClient
from app.queue.detached import DetachedJobs
from app.queue.jobs import Jobs
from app.results.cache import ResultCache
from app.results.result import Outcome
from app.service.admission import Admission
from app.service.single_flight import Flights
from app.settings import AppSettings
from app.telemetry.metrics import Metrics
from contract.errors import NoWorkerError, QueueUnavailableError

log = logging.getLogger(__name__)

# Counted in the background: requests then neither wait for it nor act on a stale count.
WORKER_CHECK_INTERVAL_S = 1.0
# Between two looks for workers that died where no supervisor watches them.
SWEEP_INTERVAL_S = 2.0


class Service:
    """One front-end process."""

    def __init__(self, settings: AppSettings) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.admission = Admission(settings.max_pending, settings.max_pending_bytes)
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
        self.flights: Flights[Outcome] = Flights()
        # Of the results that workers make now: usually one, two while a new one is rolled out.
        # Those of the last ones alive stay, so that what is cached is found without a worker.
        self.versions: frozenset[str] = frozenset()
        # Since when no worker has been seen; None while there is one.
        self._missing_since_s: float | None = time.monotonic()
        self._redis_answers = True
        self._watch: asyncio.Task[None] | None = None
        self._sweeper = Sweeper(settings.redis_url, failure_ttl_s=settings.result_ttl_s)
        self._sweep: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to read replies, to count workers and to look for dead ones."""
        self.queue.start()
        self._watch = asyncio.create_task(self._watch_workers(), name="workers")
        self._sweep = asyncio.create_task(self._sweep_workers(), name="sweep")

    async def stop(self) -> None:
        """End all that and close the connections."""
        if self._watch:
            await end(self._watch)
        if self._sweep:
            await end(self._sweep)
            self._sweeper.close()
        await self.detached.stop()
        await self.queue.stop()

    async def _watch_workers(self) -> None:
        while True:
            # For the others on this port, which tell of it when they are asked.
            self.metrics.pending.set(self.admission.pending)
            with contextlib.suppress(RedisError):
                await self.count_workers()
            await asyncio.sleep(WORKER_CHECK_INTERVAL_S)

    async def count_workers(self) -> int:
        """Return how many workers are alive; what uploads are let in by is as fresh from then on.

        Raises:
            RedisError: when Redis does not answer.
        """
        try:
            alive = await read_versions(self.queue.redis)
        except RedisError:
            self._redis_answers = False
            raise
        self._redis_answers = True
        self.versions = frozenset(filter(None, alive)) or self.versions
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
            except Exception:  # the next look may go well
                log.exception("dead workers could not be looked for")

    def require_redis(self) -> None:
        """Return unless Redis is known not to answer: asking it takes a socket's timeout.

        Raises:
            QueueUnavailableError: when Redis does not answer.
        """
        if not self._redis_answers:
            raise QueueUnavailableError("The queue does not answer.")

    def require_worker(self) -> None:
        """Return when a worker is alive, or was a moment ago and may be restarting.

        Raises:
            NoWorkerError: when none has been alive for ``worker_grace_s``.
            QueueUnavailableError: when Redis does not answer.
        """
        self.require_redis()
        if self._missing_since_s is None:
            return
        if time.monotonic() - self._missing_since_s >= self.settings.worker_grace_s:
            raise NoWorkerError("No worker has reported for a while.")
