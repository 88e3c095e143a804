"""A job keeps its upload's place, and there is no job without the webhook that was asked for."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import Any, cast

import pytest
from redis import Redis

from app.service.compression import create_upload
from app.service.front_end import Service
from app.service.job_start import Hook, start_job
from app.settings import AppSettings
from app.webhooks.webhooks import Webhooks
from contract.errors import FoveateError, QueueFullError, UnsupportedImageError
from contract.keys import QUEUE_KEY
from contract.messages import Options
from tests.app.http.in_process import PHOTO


class StandInWebhooks:
    """Notes which webhooks are stored, or refuses them."""

    def __init__(self, error: FoveateError | None = None) -> None:
        self.stored: list[tuple[str, str, str]] = []
        self._error = error

    def wake(self, job_id: str) -> None:
        """The job has ended."""

    async def add(self, job_id: str, url: str, root_path: str) -> None:
        if self._error:
            raise self._error
        self.stored.append((job_id, url, root_path))


def use(redis_url: str, work: Callable[[Service], Awaitable[Any]]) -> None:
    async def run() -> None:
        service = Service(AppSettings(redis_url=redis_url))
        try:
            await work(service)
        finally:
            await service.stop()

    asyncio.run(run())


async def start(service: Service, data: bytes, webhooks: StandInWebhooks | None = None) -> str:
    """Start a job as a request does whose response has been written."""
    hook = webhooks and Hook(cast("Webhooks", webhooks), "http://hooks.example/x", "/img")
    with ExitStack() as held:
        ticket = held.enter_context(service.admission.admit())
        upload = await create_upload(data, Options())
        return await start_job(
            service, upload, ticket, held, may_reuse=True, may_store=True, hook=hook
        )


def test_a_job_keeps_the_place_of_its_upload(redis_url: str, connection: Redis) -> None:
    async def work(service: Service) -> None:
        job_id = await start(service, PHOTO)
        assert service.admission.pending == 1
        assert connection.lrange(QUEUE_KEY, 0, -1) == [job_id.encode()]

    use(redis_url, work)


def test_the_webhook_is_stored_for_the_job(redis_url: str, connection: Redis) -> None:
    async def work(service: Service) -> None:
        webhooks = StandInWebhooks()
        job_id = await start(service, PHOTO, webhooks)
        assert webhooks.stored == [(job_id, "http://hooks.example/x", "/img")]
        assert connection.llen(QUEUE_KEY) == 1

    use(redis_url, work)


def test_without_its_webhook_there_is_no_job(redis_url: str, connection: Redis) -> None:
    async def work(service: Service) -> None:
        with pytest.raises(QueueFullError):
            await start(service, PHOTO, StandInWebhooks(QueueFullError("Too many webhooks.")))
        assert connection.llen(QUEUE_KEY) == 0
        assert not connection.keys("foveate:in:*")

    use(redis_url, work)


def test_what_is_no_photo_starts_nothing(redis_url: str, connection: Redis) -> None:
    async def work(service: Service) -> None:
        webhooks = StandInWebhooks()
        with pytest.raises(UnsupportedImageError):
            await start(service, b"hello", webhooks)
        assert webhooks.stored == []
        assert service.admission.pending == 0
        assert connection.llen(QUEUE_KEY) == 0

    use(redis_url, work)
