"""Uploads are accepted while a worker is alive, or may be restarting."""

import asyncio

import pytest
from redis import Redis

from app.service import front_end
from app.service.front_end import Service
from app.settings import AppSettings
from contract.errors import NoWorkerError, QueueUnavailableError
from contract.keys import VERSION_FIELD
from tests.idle_worker import register_worker


@pytest.fixture(autouse=True)
def frequent_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front_end, "WORKER_CHECK_INTERVAL_S", 0.05)


def watch(redis_url: str, seconds: float, grace_s: float) -> None:
    """Run a service for some seconds, then require a worker."""

    async def run() -> None:
        service = Service(AppSettings(redis_url=redis_url, worker_grace_s=grace_s))
        service.start()
        try:
            await asyncio.sleep(seconds)
            service.require_worker()
        finally:
            await service.stop()

    asyncio.run(run())


def test_without_a_worker_uploads_are_refused_after_the_grace_period(
    redis_url: str, connection: Redis
) -> None:
    assert connection.ping()
    watch(redis_url, 0.1, grace_s=5)
    with pytest.raises(NoWorkerError):
        watch(redis_url, 0.3, grace_s=0.2)


def test_with_a_live_worker_uploads_are_accepted(redis_url: str, connection: Redis) -> None:
    register_worker(connection)
    # Workers are counted in the background, so no upload is needed for that.
    watch(redis_url, 0.5, grace_s=0)


def test_without_redis_uploads_are_refused_at_once() -> None:
    with pytest.raises(QueueUnavailableError):
        watch("unix:///nonexistent/redis.sock", 0.5, grace_s=60)


def test_counting_workers_updates_what_uploads_require(redis_url: str, connection: Redis) -> None:
    async def run() -> None:
        service = Service(AppSettings(redis_url=redis_url, worker_grace_s=0))
        service.start()
        try:
            await asyncio.sleep(0.1)
            with pytest.raises(NoWorkerError):
                service.require_worker()
            register_worker(connection)
            assert await service.count_workers() == 1  # as /readyz does
            service.require_worker()
        finally:
            await service.stop()

    asyncio.run(run())


def test_the_versions_of_workers_are_known_and_outlive_them(
    redis_url: str, connection: Redis
) -> None:
    async def run() -> None:
        service = Service(AppSettings(redis_url=redis_url))
        for fields in ({VERSION_FIELD: "a"}, {VERSION_FIELD: "b"}, {}):
            register_worker(connection, **fields)
        try:
            assert await service.count_workers() == 3
            assert service.versions == {"a", "b"}
            connection.flushall()
            assert await service.count_workers() == 0
            assert service.versions == {"a", "b"}
        finally:
            await service.stop()

    asyncio.run(run())
