"""Detached jobs hold a place until they end, within their deadline; their results are cached."""

from typing import Any

import pytest
import redis

from app.results.identity import digest_input, identify
from app.service.front_end import Service
from contract.errors import DeadlineError, InternalError, QueueFullError, QueueUnavailableError
from contract.keys import record_key, reply_key
from contract.messages import Failure, Options, Result
from tests.app.queue.running import (
    read_picture,
    run_with_service,
    start_detached,
    wait_for_free_places,
)
from tests.app.queue.simulated_worker import IMAGE, finish, list_job_keys, take_job


@pytest.mark.parametrize("may_store", [True, False])
def test_a_result_is_cached_if_it_may_be_stored(
    redis_url: str, connection: redis.Redis, may_store: bool
) -> None:
    async def work(service: Service) -> None:
        await start_detached(service, b"data", may_store=may_store)
        assert service.admission.pending == 1
        finish(connection, await take_job(connection))
        await wait_for_free_places(service)
        identity = identify(await digest_input(b"data"), Options(), "v")
        assert (await service.cache.find(identity) is not None) is may_store

    run_with_service(redis_url, work)


def test_the_bytes_of_a_result_are_counted(redis_url: str, connection: redis.Redis) -> None:
    counted: list[Any] = []

    async def work(service: Service) -> None:
        await start_detached(service)
        finish(connection, await take_job(connection))
        await wait_for_free_places(service)
        counted.append(service.metrics.expose())

    run_with_service(redis_url, work)
    assert b"foveate_bytes_in_total 4.0" in counted[0]


def test_a_job_whose_handling_fails_is_counted_and_frees_its_place(
    redis_url: str, connection: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(service: Service) -> None:
        def fail(*_: object) -> None:
            raise ValueError("a defect")

        monkeypatch.setattr(service.cache, "keep", fail)
        job_id = await start_detached(service)
        finish(connection, await take_job(connection))
        await wait_for_free_places(service)
        assert (await service.jobs.read(job_id)).state == "finished"
        exposed = service.metrics.expose()
        assert b'foveate_task_deaths_total{task="detached job"} 1.0' in exposed

    run_with_service(redis_url, work)


def test_a_malformed_reply_frees_the_jobs_place_and_the_job_has_failed(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(service: Service) -> None:
        job_id = await start_detached(service)
        job = await take_job(connection)
        connection.set(record_key(job.id), b"nonsense")
        connection.rpush(reply_key(job.kwargs["request"]["reply_to"]), b"nonsense")
        await wait_for_free_places(service)
        ended = await service.jobs.read(job_id)
        assert ended.state == "failed"
        assert isinstance(ended.reply, Failure)
        assert ended.reply.code == InternalError.code

    run_with_service(redis_url, work)


def test_after_the_deadline_a_job_is_withdrawn_and_has_failed(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(service: Service) -> None:
        job_id = await start_detached(service)
        await wait_for_free_places(service)
        job = await service.jobs.read(job_id)
        assert isinstance(job.reply, Failure)
        assert job.reply.code == DeadlineError.code
        assert list_job_keys(connection) == {record_key(job_id)}

    run_with_service(redis_url, work, job_deadline_s=0.2)


def test_detached_jobs_count_as_pending(redis_url: str, connection: redis.Redis) -> None:
    assert connection.ping()

    async def work(service: Service) -> None:
        await start_detached(service)
        await start_detached(service)
        with pytest.raises(QueueFullError):
            await start_detached(service)

    run_with_service(redis_url, work, max_pending=2)


def test_a_job_remains_when_its_front_end_stops(redis_url: str, connection: redis.Redis) -> None:
    ids: list[str] = []

    async def start(service: Service) -> None:
        ids.append(await start_detached(service))

    async def read(service: Service) -> None:
        assert (await service.jobs.read(ids[0])).state == "queued"
        finish(connection, await take_job(connection))
        job = await service.jobs.read(ids[0])
        assert isinstance(job.reply, Result)
        assert await read_picture(service.jobs, job.reply) == IMAGE

    run_with_service(redis_url, start)
    run_with_service(redis_url, read)


def test_a_full_redis_makes_the_queue_unavailable(redis_url: str, connection: redis.Redis) -> None:
    async def work(service: Service) -> None:
        connection.config_set("maxmemory", "1")
        try:
            with pytest.raises(QueueUnavailableError):
                await start_detached(service)
        finally:
            connection.config_set("maxmemory", "1gb")
        assert service.admission.pending == 0
        assert list_job_keys(connection) == set()

    run_with_service(redis_url, work)


def test_a_missing_redis_makes_the_queue_unavailable() -> None:
    async def work(service: Service) -> None:
        with pytest.raises(QueueUnavailableError):
            await start_detached(service)
        assert service.admission.pending == 0

    run_with_service("unix:///nonexistent/redis.sock", work)
