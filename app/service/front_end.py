"""The state of one front-end process: its connections, limits and metrics, and the live workers."""

import asyncio
import contextlib
import time
from typing import Final

from redis.exceptions import RedisError

from app.background import BackgroundTask
from app.limits.key_limits import KeyLimits
from app.liveness.live_workers import LiveWorkers
from app.liveness.sweeper import Sweeper
from app.presets import Presets
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
from app.telemetry.origin import describe_origin
from contract.errors import NoWorkerError, QueueUnavailableError

# Workers are counted in the background, so that requests don't wait for it.
WORKER_CHECK_INTERVAL_S: Final = 1.0
# How often to look for dead workers that no supervisor watches.
SWEEP_INTERVAL_S: Final = 2.0
# Pictures of jobs that are sent at the same time; each holds one piece in memory.
MAX_DOWNLOADS: Final = 256


class Service:
    """What the routes of one front-end process share."""

    def __init__(self, settings: AppSettings) -> None:
        self.settings = settings
        self.presets = Presets(settings.presets, only=settings.only_presets == "on")
        self.metrics = Metrics()
        self.admission = Admission(settings.max_pending, settings.max_pending_bytes)
        self.capacity = Capacity()
        self.queue = QueueClient(
            settings.redis_url,
            result_ttl_s=settings.result_ttl_s,
            on_reply=self.metrics.observe_reply,
            on_death=self.metrics.count_death,
            describe_origin=describe_origin,
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
            on_death=self.metrics.count_death,
        )
        self.key_limits = KeyLimits(
            self.queue.redis,
            max_pending=settings.key_max_pending,
            per_minute=settings.key_uploads_per_minute,
            on_death=self.metrics.count_death,
        )
        self.event_streams = 0
        # Pictures of jobs that are being sent. They wait for no worker, so they have places of their own.
        self.downloads = Admission(MAX_DOWNLOADS, settings.max_pending_bytes)
        self.single_flight: SingleFlight[Outcome] = SingleFlight()
        # The versions of live workers' results: usually one, two during an update. Without a worker
        # the last ones stay, so that cached results are still found.
        self.versions: frozenset[str] = frozenset()
        # When the last live worker was lost, monotonic; None while there is one.
        self._missing_since_s: float | None = time.monotonic()
        self._redis_responds = True
        self.live_workers = LiveWorkers(settings.redis_url)
        self._sweeper = Sweeper(settings.redis_url, failure_ttl_s=settings.result_ttl_s)
        self._reader = self.queue.reader
        self._watch = BackgroundTask(
            "workers", self._watch_workers, on_death=self.metrics.count_death
        )
        self._sweep = BackgroundTask(
            "sweep", self._sweep_workers, on_death=self.metrics.count_death
        )

    def start(self) -> None:
        """Start to read replies, to count workers and to look for dead ones."""
        self.queue.start()
        self.key_limits.start()
        self._watch.start()
        self._sweep.start()

    async def stop(self) -> None:
        """Stop the background tasks and close the connections."""
        await self._watch.stop()
        await self._sweep.stop()
        self._sweeper.close()
        await self.detached.stop()
        await self.key_limits.stop()
        await self.queue.stop()
        await self.live_workers.close()

    def find_broken_tasks(self) -> list[str]:
        """Return the names of the background tasks that can't run."""
        tasks = (self._reader, self._watch, self._sweep, self.key_limits.renewal)
        return [task.name for task in tasks if not task.can_run]

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
            alive = await self.live_workers.read()
            queued_px = await self.live_workers.count_queued_px()
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
            await asyncio.to_thread(self._sweeper.sweep)

    def require_redis(self) -> None:
        """Fail at once when Redis is known not to respond: a command would wait for its timeout.

        Raises:
            QueueUnavailableError: when Redis did not respond to the last check, or no reply can be
                read.
        """
        if not self._redis_responds:
            raise QueueUnavailableError("The queue does not respond.")
        if not self._reader.can_run:
            raise QueueUnavailableError("The workers' replies can't be read.")

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
