"""Jobs are read, stored and deleted by their ids, with a real Valkey and a simulated worker."""

import asyncio

import pytest
import redis
from rq.job import Job as RqJob

from app.results.identity import digest_input, identify
from app.results.result import Finished
from app.service.front_end import Service
from contract.errors import (
    DeadlineError,
    GoneJobError,
    QueueUnavailableError,
    UnknownJobError,
)
from contract.keys import heatmap_key, image_key, record_key, reply_key
from contract.messages import Options, Result
from tests.app.queue.running import (
    read_picture,
    run_with_service,
    start_detached,
    wait_for_free_places,
)
from tests.app.queue.simulated_worker import (
    IMAGE,
    finish,
    list_job_keys,
    make_result,
    take_job,
)


def test_a_deleted_waiting_job_leaves_the_queue_and_its_place(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(service: Service) -> None:
        job_id = await start_detached(service)
        await service.jobs.delete(job_id)
        await wait_for_free_places(service)
        assert list_job_keys(connection) == {record_key(job_id)}
        with pytest.raises(GoneJobError, match="deleted"):
            await service.jobs.read(job_id)

    run_with_service(redis_url, work)


def test_a_deleted_job_is_gone_although_its_end_is_reported_twice(
    redis_url: str, connection: redis.Redis
) -> None:
    """A look for lost jobs finds the record, and the reply arrives afterwards."""

    async def work(service: Service) -> None:
        job_id = await start_detached(service)
        to = reply_key((await take_job(connection)).kwargs["request"]["reply_to"])
        await service.jobs.delete(job_id)
        await wait_for_free_places(service)
        connection.rpush(to, connection.get(record_key(job_id)))
        while connection.exists(to):
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        with pytest.raises(GoneJobError):
            await service.jobs.read(job_id)

    run_with_service(redis_url, work)


def test_the_result_of_a_deleted_running_job_is_deleted(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(service: Service) -> None:
        job_id = await start_detached(service)
        rq_job = await take_job(connection)
        await service.jobs.delete(job_id)
        await wait_for_free_places(service)
        finish(connection, rq_job)
        for _ in range(200):
            if not connection.exists(image_key(job_id)):
                break
            await asyncio.sleep(0.01)
        assert not connection.exists(image_key(job_id))
        with pytest.raises(GoneJobError, match="deleted"):
            await service.jobs.read(job_id)

    run_with_service(redis_url, work)


def test_another_front_end_reads_and_deletes_a_job(redis_url: str, connection: redis.Redis) -> None:
    async def work(service: Service) -> None:
        job_id = await start_detached(service)

        async def work_elsewhere(other: Service) -> None:
            assert (await other.jobs.read(job_id)).state == "queued"
            await other.jobs.delete(job_id)

        await asyncio.to_thread(run_with_service, redis_url, work_elsewhere)
        await wait_for_free_places(service)
        assert connection.exists(record_key(job_id))

    run_with_service(redis_url, work)


def test_deleting_a_finished_job_leaves_the_caches_copy(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(service: Service) -> None:
        job_id = await start_detached(service)
        finish(connection, await take_job(connection))
        await wait_for_free_places(service)
        await service.jobs.delete(job_id)
        assert not connection.exists(image_key(job_id))
        identity = identify(await digest_input(b"data"), Options(), "v")
        assert await service.cache.find(identity) is not None
        with pytest.raises(GoneJobError):
            await service.jobs.read(job_id)
        with pytest.raises(GoneJobError):
            await service.jobs.delete(job_id)

    run_with_service(redis_url, work)


def test_an_expired_job_is_gone_while_its_record_exists(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(service: Service) -> None:
        job_id = await start_detached(service)
        finish(connection, await take_job(connection))
        await wait_for_free_places(service)
        connection.delete(image_key(job_id))
        with pytest.raises(GoneJobError, match="expired"):
            await service.jobs.read(job_id)
        connection.delete(record_key(job_id), RqJob.key_for(job_id))
        with pytest.raises(UnknownJobError):
            await service.jobs.read(job_id)

    run_with_service(redis_url, work)


def test_what_is_not_an_id_is_unknown(redis_url: str, connection: redis.Redis) -> None:
    assert connection.ping()

    async def work(service: Service) -> None:
        for job_id in (
            *("", "x" * 23, "x" * 25, "x" * 23 + "\n"),
            *("../../../../etc/passwd..", "*" * 24),
        ):
            with pytest.raises(UnknownJobError):
                await service.jobs.read(job_id)

    run_with_service(redis_url, work)


def test_a_missing_redis_makes_the_queue_unavailable() -> None:
    async def work(service: Service) -> None:
        result = Result("x" * 24, 1, 1, 4, 4, 4, "v", None, {}, 1)
        for attempt in (
            service.jobs.read("x" * 24),
            service.jobs.delete("x" * 24),
            read_picture(service.jobs, result),
        ):
            with pytest.raises(QueueUnavailableError):
                await attempt

    run_with_service("unix:///nonexistent/redis.sock", work)


def test_a_stored_photo_is_a_finished_job(redis_url: str, connection: redis.Redis) -> None:
    async def work(service: Service) -> None:
        rq_job = RqJob.create("f", id="w" * 24, connection=connection)
        finished = Finished(make_result(rq_job, "image/png"), IMAGE, b"png")
        job_id = "y" * 24
        await service.jobs.store(job_id, finished)
        assert all(connection.ttl(key) > 0 for key in list_job_keys(connection))
        job = await service.jobs.read(job_id)
        assert isinstance(job.reply, Result)
        assert job.reply.job_id == job_id
        assert await read_picture(service.jobs, job.reply) == IMAGE
        assert await read_picture(service.jobs, job.reply, heatmap=True) == b"png"
        await service.jobs.delete(job_id)
        assert not connection.exists(image_key(job_id), heatmap_key(job_id))

    run_with_service(redis_url, work)


def test_a_job_that_finished_at_its_deadline_keeps_its_picture(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(service: Service) -> None:
        job_id = await start_detached(service)
        finish(connection, await take_job(connection))
        await service.jobs.fail(job_id, DeadlineError("No result within 600 s."))
        job = await service.jobs.read(job_id)
        assert isinstance(job.reply, Result)
        assert await read_picture(service.jobs, job.reply) == IMAGE

    run_with_service(redis_url, work)


def test_a_picture_that_is_read_in_pieces_stays_for_so_long(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(service: Service) -> None:
        connection.set("picture", IMAGE, ex=10)
        await service.jobs.keep_picture("picture", 5)
        assert connection.ttl("picture") > 5
        await service.jobs.keep_picture("picture", 50)
        assert connection.ttl("picture") > 40
        connection.delete("picture")
        await service.jobs.keep_picture("picture", 50)
        with pytest.raises(GoneJobError):
            await service.jobs.read_piece("picture", 0, 1)

    run_with_service(redis_url, work)


def test_a_job_that_can_not_be_read_is_deleted_all_the_same(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(service: Service) -> None:
        job_id = await start_detached(service)
        connection.hset(RqJob.key_for(job_id), "data", b"nonsense")
        await service.jobs.delete(job_id)
        with pytest.raises(GoneJobError):
            await service.jobs.read(job_id)
        assert list_job_keys(connection) == {record_key(job_id)}

    run_with_service(redis_url, work)
