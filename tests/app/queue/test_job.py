"""A job is described from RQ's job until it has ended, then from its reply."""

from datetime import timedelta

import pytest
import redis
from rq.job import JobStatus

from app.service.front_end import Service
from contract.errors import (
    GoneJobError,
    InternalError,
    UnknownJobError,
)
from contract.messages import Failure, Result
from tests.app.queue.running import (
    read_picture,
    run_with_service,
    start_detached,
)
from tests.app.queue.simulated_worker import (
    IMAGE,
    finish,
    list_job_keys,
    send,
    take_job,
)


def test_the_state_follows_a_job_from_queue_to_end(redis_url: str, connection: redis.Redis) -> None:
    async def work(service: Service) -> None:
        first, second = await start_detached(service), await start_detached(service)
        assert len(first) == 24
        for job_id, position in ((first, 1), (second, 2)):
            job = await service.jobs.read(job_id)
            assert (job.state, job.position) == ("queued", position)
            assert job.submitted_at is not None
            assert job.started_at is None
        submitted_at = (await service.jobs.read(first)).submitted_at
        taken = await take_job(connection)
        assert (await service.jobs.read(first)).position == 1  # not yet started
        taken.set_status(JobStatus.STARTED)
        job = await service.jobs.read(first)
        assert (job.state, job.position) == ("started", None)
        assert (await service.jobs.read(second)).position == 1
        finish(connection, taken)
        job = await service.jobs.read(first)
        assert job.state == "finished"
        assert job.submitted_at == submitted_at
        assert submitted_at is not None
        assert job.started_at == submitted_at + timedelta(seconds=0.5)
        assert isinstance(job.reply, Result)
        assert await read_picture(service.jobs, job.reply) == IMAGE
        with pytest.raises(UnknownJobError):
            await read_picture(service.jobs, job.reply, heatmap=True)
        expiring = list_job_keys(connection) - {"rq:queue:foveate"}
        assert all(connection.ttl(key) > 0 for key in expiring)

    run_with_service(redis_url, work)


def test_a_failure_is_the_reply_of_a_failed_job(redis_url: str, connection: redis.Redis) -> None:
    async def work(service: Service) -> None:
        job_id = await start_detached(service)
        rq_job = await take_job(connection)
        failure = Failure(rq_job.id, "corrupt-image", "Broken.")
        send(connection, rq_job, failure)
        job = await service.jobs.read(job_id)
        assert (job.state, job.reply) == ("failed", failure)
        await service.jobs.delete(job_id)
        with pytest.raises(GoneJobError):
            await service.jobs.read(job_id)

    run_with_service(redis_url, work)


def test_a_job_that_failed_in_rq_has_failed(redis_url: str, connection: redis.Redis) -> None:
    async def work(service: Service) -> None:
        job_id = await start_detached(service)
        rq_job = await take_job(connection)
        rq_job.set_status(JobStatus.FAILED)
        job = await service.jobs.read(job_id)
        assert isinstance(job.reply, Failure)
        assert job.reply.code == InternalError.code
        assert job.submitted_at is not None
        rq_job.set_status(JobStatus.FINISHED)  # without a record, which has expired
        with pytest.raises(GoneJobError):
            await service.jobs.read(job_id)

    run_with_service(redis_url, work)
