"""What the routes share: settings, queue, admission, metrics, and whether workers are alive."""

import time
from typing import Annotated, cast

from fastapi import Depends
from redis.exceptions import RedisError
from starlette.requests import Request

from app.admission import Admission
from app.metrics import Metrics
from app.queue import QueueClient
from app.settings import AppSettings
from contract.errors import NoWorkerError, QueueUnavailableError

# Workers are counted at most this often; requests in between use the last count.
WORKER_CHECK_INTERVAL_S = 1.0


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
        self._checked_s = float("-inf")
        self._worker_seen_s = time.monotonic()

    async def require_worker(self) -> None:
        """Return when a worker is alive, or was a moment ago and may be restarting.

        Raises:
            NoWorkerError: when none has been alive for ``worker_grace_s``.
            QueueUnavailableError: when Redis does not answer.
        """
        now_s = time.monotonic()
        if now_s - self._checked_s > WORKER_CHECK_INTERVAL_S:
            self._checked_s = now_s
            try:
                if await self.queue.count_workers():
                    self._worker_seen_s = now_s
            except RedisError as error:
                raise QueueUnavailableError("The queue does not answer.") from error
        if now_s - self._worker_seen_s > self.settings.worker_grace_s:
            raise NoWorkerError("No worker has reported for a while.")


async def get_service(request: Request) -> Service:
    """Return the process's service; a coroutine, for FastAPI runs plain functions in threads."""
    return cast("Service", request.app.state.service)


ServiceDependency = Annotated[Service, Depends(get_service)]
