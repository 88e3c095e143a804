"""What the routes share: settings, queue, admission, metrics, and whether workers are alive."""

import asyncio
import logging
import time
from typing import Annotated, cast

from fastapi import Depends
from redis.exceptions import RedisError
from starlette.requests import Request

from app.admission import Admission
from app.cancellation import end
from app.metrics import Metrics
from app.queue import QueueClient
from app.settings import AppSettings
from app.sweeper import Sweeper
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
        await self.queue.stop()

    async def _watch_workers(self) -> None:
        while True:
            try:
                alive = await self.queue.count_workers() > 0
                self._redis_answers = True
                if alive:
                    self._missing_since_s = None
                elif self._missing_since_s is None:
                    self._missing_since_s = time.monotonic()
            except RedisError:
                self._redis_answers = False
            await asyncio.sleep(WORKER_CHECK_INTERVAL_S)

    async def _sweep_workers(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_INTERVAL_S)
            try:
                await asyncio.to_thread(self._sweeper.sweep)
            except Exception:  # the next look may go well
                log.exception("dead workers could not be looked for")

    def require_worker(self) -> None:
        """Return when a worker is alive, or was a moment ago and may be restarting.

        Raises:
            NoWorkerError: when none has been alive for ``worker_grace_s``.
            QueueUnavailableError: when Redis does not answer.
        """
        if not self._redis_answers:
            raise QueueUnavailableError("The queue does not answer.")
        if self._missing_since_s is None:
            return
        if time.monotonic() - self._missing_since_s >= self.settings.worker_grace_s:
            raise NoWorkerError("No worker has reported for a while.")


async def get_service(request: Request) -> Service:
    """Return the process's service; a coroutine, for FastAPI runs plain functions in threads."""
    return cast("Service", request.app.state.service)


ServiceDependency = Annotated[Service, Depends(get_service)]
