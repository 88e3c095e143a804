"""Jobs that nobody waits for, against a real Valkey and a hand-moved worker."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack
from typing import Any

import pytest
import redis
from fastapi.sse import ServerSentEvent
from rq.job import Job as RqJob
from rq.job import JobStatus

from app.http.jobs import watch
from app.results.identity import digest_input, identify
from app.service.front_end import Service
from app.settings import AppSettings
from contract.errors import (
    DeadlineError,
    FoveateError,
    GoneJobError,
    InternalError,
    QueueFullError,
    QueueUnavailableError,
    UnknownJobError,
)
from contract.keys import heatmap_key, image_key, input_key, record_key
from contract.messages import Failure, Options, Result, encode_reply
from tests.app.queue.test_client import left_over, next_job, reply, result_of

PIXELS = 9


def use(redis_url: str, work: Callable[[Service], Awaitable[Any]], **settings: Any) -> None:
    """Run ``work`` with a started front end."""

    async def run() -> None:
        service = Service(AppSettings(redis_url=redis_url, result_ttl_s=30, **settings))
        service.start()
        try:
            await work(service)
        finally:
            await service.stop()

    asyncio.run(run())


async def start(service: Service, data: bytes = b"data", *, may_store: bool = True) -> str:
    """Queue a detached job as the route does; its place is held until it ends."""
    with ExitStack() as place:
        place.enter_context(service.admission.admit()).allocate(len(data))
        digest = await digest_input(data)
        return await service.detached.start(
            data, PIXELS, Options(), digest, place, may_store=may_store
        )


async def ended(service: Service) -> None:
    """Return when no detached job holds a place any more."""
    for _ in range(200):
        if not service.admission.pending:
            return
        await asyncio.sleep(0.02)
    pytest.fail("a place is still held")


def finish(connection: redis.Redis, job: RqJob) -> Result:
    """Do what a worker does at the end of a job."""
    result = result_of(job)
    connection.delete(input_key(job.id))
    connection.set(image_key(job.id), b"jpeg", ex=30)
    reply(connection, job, result)
    return result


def test_its_state_is_told_from_the_queue_to_the_end(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(service: Service) -> None:
        first, second = await start(service), await start(service)
        assert len(first) == 24
        for job_id, position in ((first, 1), (second, 2)):
            job = await service.jobs.read(job_id)
            assert (job.state, job.position) == ("queued", position)
            assert job.submitted_at is not None
        taken = await next_job(connection)
        assert (await service.jobs.read(first)).position == 1  # not yet started
        taken.set_status(JobStatus.STARTED)
        job = await service.jobs.read(first)
        assert (job.state, job.position) == ("started", None)
        assert (await service.jobs.read(second)).position == 1
        finish(connection, taken)
        await asyncio.sleep(0.1)
        job = await service.jobs.read(first)
        assert job.state == "finished"
        assert isinstance(job.reply, Result)
        assert await service.jobs.picture(job.reply) == b"jpeg"
        with pytest.raises(UnknownJobError):
            await service.jobs.picture(job.reply, heatmap=True)
        assert service.admission.pending == 1
        assert all(connection.ttl(key) > 0 for key in left_over(connection) - {"rq:queue:foveate"})

    use(redis_url, work)


def test_its_result_is_cached_for_equal_uploads(redis_url: str, connection: redis.Redis) -> None:
    async def work(service: Service) -> None:
        for data, may_store in ((b"kept", True), (b"not kept", False)):
            await start(service, data, may_store=may_store)
            finish(connection, await next_job(connection))
            await ended(service)
            identity = identify(await digest_input(data), Options(), "v")
            assert (await service.cache.find(identity) is not None) is may_store

    use(redis_url, work)


def test_a_failure_is_shown(redis_url: str, connection: redis.Redis) -> None:
    async def work(service: Service) -> None:
        job_id = await start(service)
        job = await next_job(connection)
        reply(connection, job, Failure(job.id, "corrupt-image", "Broken."))
        await ended(service)
        shown = await service.jobs.read(job_id)
        assert shown.state == "failed"
        assert isinstance(shown.reply, Failure)
        assert shown.reply.code == "corrupt-image"
        await service.jobs.delete(job_id)
        with pytest.raises(GoneJobError):
            await service.jobs.read(job_id)

    use(redis_url, work)


def test_a_job_that_rq_gave_up_has_failed(redis_url: str, connection: redis.Redis) -> None:
    async def work(service: Service) -> None:
        job_id = await start(service)
        job = await next_job(connection)
        job.set_status(JobStatus.FAILED)
        shown = await service.jobs.read(job_id)
        assert isinstance(shown.reply, Failure)
        assert shown.reply.code == InternalError.code
        job.set_status(JobStatus.FINISHED)  # without a record: it was late, or long ago
        with pytest.raises(GoneJobError):
            await service.jobs.read(job_id)

    use(redis_url, work)


def test_after_its_deadline_it_is_withdrawn_and_says_so(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(service: Service) -> None:
        job_id = await start(service)
        await ended(service)
        shown = await service.jobs.read(job_id)
        assert isinstance(shown.reply, Failure)
        assert shown.reply.code == DeadlineError.code
        assert left_over(connection) == {record_key(job_id)}

    use(redis_url, work, job_deadline_s=0.3)


def test_deleted_while_it_waits_it_leaves_the_queue_and_its_place(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(service: Service) -> None:
        job_id = await start(service)
        await service.jobs.delete(job_id)
        await ended(service)
        assert left_over(connection) == {record_key(job_id)}
        with pytest.raises(GoneJobError, match="deleted"):
            await service.jobs.read(job_id)

    use(redis_url, work)


def test_deleted_while_it_runs_its_result_goes_as_well(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(service: Service) -> None:
        job_id = await start(service)
        job = await next_job(connection)
        await service.jobs.delete(job_id)
        await ended(service)
        finish(connection, job)
        for _ in range(100):
            if not connection.exists(image_key(job_id)):
                break
            await asyncio.sleep(0.02)
        assert not connection.exists(image_key(job_id))
        with pytest.raises(GoneJobError, match="deleted"):
            await service.jobs.read(job_id)

    use(redis_url, work)


def test_another_front_end_shows_and_deletes_it(redis_url: str, connection: redis.Redis) -> None:
    async def work(service: Service) -> None:
        job_id = await start(service)

        async def elsewhere(other: Service) -> None:
            assert (await other.jobs.read(job_id)).state == "queued"
            await other.jobs.delete(job_id)

        await asyncio.to_thread(use, redis_url, elsewhere)
        await ended(service)
        assert connection.exists(record_key(job_id))

    use(redis_url, work)


def test_it_outlives_the_front_end_that_took_it(redis_url: str, connection: redis.Redis) -> None:
    ids: list[str] = []

    async def take(service: Service) -> None:
        ids.append(await start(service))

    async def show(service: Service) -> None:
        assert (await service.jobs.read(ids[0])).state == "queued"
        finish(connection, await next_job(connection))
        job = await service.jobs.read(ids[0])
        assert isinstance(job.reply, Result)
        assert await service.jobs.picture(job.reply) == b"jpeg"

    use(redis_url, take)
    use(redis_url, show)


def test_deleting_takes_its_own_pictures_but_not_the_caches(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(service: Service) -> None:
        for data, may_store in ((b"stored", True), (b"not stored", False)):
            job_id = await start(service, data, may_store=may_store)
            finish(connection, await next_job(connection))
            await ended(service)
            await service.jobs.delete(job_id)
            assert not connection.exists(image_key(job_id))
            identity = identify(await digest_input(data), Options(), "v")
            assert (await service.cache.find(identity) is not None) is may_store
            with pytest.raises(GoneJobError):
                await service.jobs.read(job_id)
            with pytest.raises(GoneJobError):
                await service.jobs.delete(job_id)

    use(redis_url, work)


def test_expired_is_told_from_unknown(redis_url: str, connection: redis.Redis) -> None:
    async def work(service: Service) -> None:
        job_id = await start(service)
        finish(connection, await next_job(connection))
        await ended(service)
        connection.delete(image_key(job_id))
        with pytest.raises(GoneJobError, match="expired"):
            await service.jobs.read(job_id)
        connection.delete(record_key(job_id), f"rq:job:{job_id}")
        with pytest.raises(UnknownJobError):
            await service.jobs.read(job_id)

    use(redis_url, work)


@pytest.mark.parametrize(
    "job_id", ["", "x" * 23, "x" * 25, "x" * 23 + "\n", "../../../../etc/passwd..", "*" * 24]
)
def test_what_cant_be_an_id_is_unknown(
    redis_url: str, connection: redis.Redis, job_id: str
) -> None:
    assert connection.ping()

    async def work(service: Service) -> None:
        with pytest.raises(UnknownJobError):
            await service.jobs.read(job_id)

    use(redis_url, work)


def test_detached_jobs_count_as_pending(redis_url: str, connection: redis.Redis) -> None:
    assert connection.ping()

    async def work(service: Service) -> None:
        await start(service)
        await start(service)
        with pytest.raises(QueueFullError):
            await start(service)

    use(redis_url, work, max_pending=2)


def test_a_full_or_missing_redis_is_a_clear_error(redis_url: str, connection: redis.Redis) -> None:
    async def full(service: Service) -> None:
        connection.config_set("maxmemory", "1")
        try:
            with pytest.raises(QueueUnavailableError):
                await start(service)
        finally:
            connection.config_set("maxmemory", "1gb")
        assert service.admission.pending == 0
        assert left_over(connection) == set()

    async def missing(service: Service) -> None:
        job_id = "x" * 24
        for attempt in (start(service), service.jobs.read(job_id), service.jobs.delete(job_id)):
            with pytest.raises(FoveateError) as caught:
                await attempt
            assert caught.value.code == "queue-unavailable"

    use(redis_url, full)
    use("unix:///nonexistent/redis.sock", missing)


def test_stored_pictures_are_a_job_of_their_own(redis_url: str, connection: redis.Redis) -> None:
    async def work(service: Service) -> None:
        job_id = await start(service)
        result = finish(connection, await next_job(connection))
        await ended(service)
        other = "y" * 24
        found = await service.cache.find(identify(await digest_input(b"data"), Options(), "v"))
        assert found is not None
        await service.jobs.store(other, found)
        await service.jobs.delete(other)
        assert not connection.exists(image_key(other), heatmap_key(other))
        assert (await service.jobs.read(job_id)).state == "finished"
        assert encode_reply(result)

    use(redis_url, work)


def test_events_end_with_the_job_and_are_few_where_many_watch(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(service: Service) -> None:
        job_id = await start(service)
        job = await service.jobs.read(job_id)
        once = [event async for event in watch(job, service.jobs, once=True)]
        assert [event.event for event in once] == ["queued"]
        watching = asyncio.ensure_future(collect(watch(job, service.jobs, once=False)))
        await asyncio.sleep(0.1)
        finish(connection, await next_job(connection))
        names = [event.event for event in await watching]
        assert (names[0], names[-1]) == ("queued", "finished")

        deleted = await service.jobs.read(await start(service))
        watching = asyncio.ensure_future(collect(watch(deleted, service.jobs, once=False)))
        await asyncio.sleep(0.1)
        await service.jobs.delete(deleted.job_id)
        last = (await watching)[-1]
        assert (last.event, last.raw_data) == ("gone", "job-gone")

    use(redis_url, work)


async def collect(stream: AsyncIterator[ServerSentEvent]) -> list[ServerSentEvent]:
    """Return a stream's events, once it has ended."""
    return [event async for event in stream]
