"""An upload's result comes from the cache, from an equal upload in progress, or from a worker."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import RedisError

from app.liveness.live_workers import LiveWorker
from app.results.result import Finished, Outcome
from app.service import compression
from app.service.admission import Admission, Ticket
from app.service.compression import (
    compress,
    count_pixels,
    create_linked_job,
    create_upload,
    find_cached,
    set_times,
)
from app.service.front_end import Service
from app.settings import AppSettings
from contract.errors import (
    DeadlineError,
    NoWorkerError,
    QueueFullError,
    QueueUnavailableError,
    TooManyPixelsError,
    UnsupportedImageError,
)
from contract.keys import QUEUE_KEY, heatmap_key, image_key, input_key, record_key
from contract.messages import Failure, Options, Request, Result, encode_reply
from contract.work import count_work_px
from tests.app.queue.running import run_with_service
from tests.app.queue.simulated_worker import IMAGE, finish, send, take_job
from tests.photos import file_of, photo

PHOTO = file_of(photo(32, 24), "JPEG")
TICKET = Ticket(Admission(max_pending=9, max_pending_bytes=10**9))


class StandInWorker:
    """Stores a result as a worker does, and lets the front end take it; ``runs`` counts photos."""

    def __init__(self, service: Service, connection: Redis) -> None:
        self.redis = service.queue.redis
        self.runs = 0
        self._connection = connection

    async def run_job(
        self,
        data: bytes,
        *_: Any,
        take: Callable[[Result], Awaitable[Finished | None]] | None = None,
    ) -> Finished:
        self.runs += 1
        await asyncio.sleep(0.02)
        result = Result(f"job{self.runs}", 32, 24, len(data), 4, 6, "v1", None, {"encode": 2.0}, 1)
        self._connection.set(image_key(result.job_id), b"jpeg", ex=30)
        self._connection.set(record_key(result.job_id), encode_reply(result), ex=30)
        taken = await take(result) if take else None
        return taken or Finished(result, b"jpeg", None)


def use(
    redis_url: str,
    connection: Redis,
    work: Callable[[Service, StandInWorker], Awaitable[None]],
    **settings: Any,
) -> None:
    async def run() -> None:
        service = Service(AppSettings(redis_url=redis_url, **settings))
        service.versions = frozenset({"v1"})
        queue = service.queue
        worker = service.queue = StandInWorker(service, connection)  # type: ignore[assignment]
        try:
            await work(service, worker)
        finally:
            service.queue = queue
            await service.stop()

    asyncio.run(run())


def test_the_second_equal_upload_comes_from_the_cache(redis_url: str, connection: Redis) -> None:
    async def work(service: Service, worker: StandInWorker) -> None:
        upload = await create_upload(PHOTO, Options())
        assert await find_cached(service, upload, TICKET) is None
        first = await compress(service, upload, TICKET)
        again = await compress(service, upload, TICKET)
        assert worker.runs == 1
        assert (first.cached_ms, first.stage_ms) == (None, {"encode": 2.0})
        assert again.cached_ms is not None
        assert again.stage_ms == {"encode": 0.0}
        assert (again.finished.image, again.identity) == (first.finished.image, first.identity)
        other = await create_upload(PHOTO, Options(quality=40))
        assert (await compress(service, other, TICKET)).cached_ms is None
        counted = service.metrics.expose().decode()
        assert 'foveate_cache_total{outcome="hit"} 1.0' in counted
        assert 'foveate_cache_total{outcome="miss"} 2.0' in counted

    use(redis_url, connection, work)


def test_concurrent_equal_uploads_share_one_run(redis_url: str, connection: Redis) -> None:
    async def work(service: Service, worker: StandInWorker) -> None:
        uploads = [await create_upload(PHOTO, Options()) for _ in range(5)]
        outcomes = await asyncio.gather(*(compress(service, upload, TICKET) for upload in uploads))
        assert worker.runs == 1
        assert {outcome.identity for outcome in outcomes} == {outcomes[0].identity}
        results = [outcome.finished.result for outcome in outcomes]
        assert len({result.submitted_unix_s for result in results}) == 5
        assert 'foveate_cache_total{outcome="joined"} 4.0' in service.metrics.expose().decode()

    use(redis_url, connection, work)


def test_a_client_that_refuses_cached_results_shares_no_run_that_may_use_them(
    redis_url: str, connection: Redis
) -> None:
    async def work(service: Service, worker: StandInWorker) -> None:
        upload = await create_upload(PHOTO, Options())
        await compress(service, upload, TICKET)
        fresh, cached = await asyncio.gather(
            compress(service, upload, TICKET, may_reuse=False), compress(service, upload, TICKET)
        )
        assert (fresh.cached_ms, worker.runs) == (None, 2)
        assert cached.cached_ms is not None

    use(redis_url, connection, work)


@pytest.mark.parametrize(("settings", "may_store"), [({}, False), ({"cache_max_bytes": 0}, True)])
def test_a_result_that_may_not_be_stored_is_not_cached_or_shared(
    redis_url: str, connection: Redis, settings: dict[str, int], may_store: bool
) -> None:
    async def work(service: Service, worker: StandInWorker) -> None:
        upload = await create_upload(PHOTO, Options())
        await asyncio.gather(
            *(compress(service, upload, TICKET, may_store=may_store) for _ in range(2))
        )
        assert worker.runs == 2
        assert await find_cached(service, upload, TICKET) is None

    use(redis_url, connection, work, **settings)


def test_only_what_needs_a_worker_is_refused_for_lack_of_time(
    redis_url: str, connection: Redis
) -> None:
    async def work(service: Service, worker: StandInWorker) -> None:
        cached = await create_upload(PHOTO, Options())
        await compress(service, cached, TICKET)
        joined = await create_upload(PHOTO, Options(quality=30))
        first = asyncio.ensure_future(compress(service, joined, TICKET))
        while worker.runs < 2:
            await asyncio.sleep(0)
        assert service.capacity.wait_s == 0  # the rate is unknown
        service.capacity.update([LiveWorker("v1", 1.0, 1.0)], 0)
        assert service.capacity.wait_s == count_work_px(32 * 24)  # that of the run
        await asyncio.gather(compress(service, cached, TICKET), compress(service, joined, TICKET))
        assert (await first, worker.runs) != (None, 3)
        assert service.capacity.wait_s == 0
        with service.capacity.reserve(1, 60), pytest.raises(QueueFullError) as refused:
            await compress(service, await create_upload(PHOTO, Options(quality=20)), TICKET)
        assert refused.value.retry_after_s == 60
        # Without work ahead every photo is tried.
        assert (await compress(service, joined, TICKET, may_reuse=False)).cached_ms is None

    use(redis_url, connection, work)


def test_who_joins_late_has_the_whole_time(
    redis_url: str, connection: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first worker never replies; another one gets the second upload's job."""
    monkeypatch.setattr(compression, "MIN_REPEAT_S", 0.1)

    async def work(service: Service) -> None:
        upload = await create_upload(PHOTO, Options())
        uploads, limits_s, jobs = [], [], []
        for pause_s in (1.2, 0.0):
            limits_s.append(time.time() + 2)
            uploads.append(asyncio.ensure_future(compress(service, upload, TICKET)))
            await asyncio.sleep(pause_s)
        jobs.append(await take_job(connection))
        with pytest.raises(DeadlineError):
            await uploads[0]
        jobs.append(await asyncio.wait_for(take_job(connection), 5))
        for job, limit_s in zip(jobs, limits_s, strict=True):
            deadline_s = Request.from_json(job.kwargs["request"]).deadline_unix_s
            assert abs(deadline_s - limit_s) < 0.5
        finish(connection, jobs[1])
        assert (await uploads[1]).finished.image == IMAGE

    run_with_service(redis_url, work, request_timeout_s=2)
    assert not connection.exists(QUEUE_KEY)


def test_who_joined_late_waits_on_when_the_first_job_is_given_up(
    redis_url: str, connection: Redis
) -> None:
    """A worker gives up photos that it can't finish in time, here in that of the first upload."""

    async def work(service: Service) -> None:
        upload = await create_upload(PHOTO, Options())
        uploads = []
        for pause_s in (1.2, 0.0):
            uploads.append(asyncio.ensure_future(compress(service, upload, TICKET)))
            await asyncio.sleep(pause_s)
        job = await take_job(connection)
        connection.delete(input_key(job.id))
        send(connection, job, Failure(job.id, QueueFullError.code, "The time does not suffice."))
        finish(connection, await asyncio.wait_for(take_job(connection), 5))
        for outcome in await asyncio.gather(*uploads):
            assert outcome.finished.image == IMAGE
        alone = asyncio.ensure_future(compress(service, upload, TICKET, may_reuse=False))
        job = await take_job(connection)
        send(connection, job, Failure(job.id, QueueFullError.code, "The time does not suffice."))
        with pytest.raises(QueueFullError):
            await alone

    run_with_service(redis_url, work, request_timeout_s=3)


def test_each_link_has_pictures_of_its_own(redis_url: str, connection: Redis) -> None:
    async def work(service: Service, _: StandInWorker) -> None:
        outcome = await compress(service, await create_upload(PHOTO, Options()), TICKET)
        uncached = replace(outcome, identity="none")
        uncached = replace(uncached, finished=outcome.finished._replace(heatmap=b"png"))
        for which, heatmap in ((outcome, None), (uncached, b"png")):
            first, second = [await create_linked_job(service, which) for _ in range(2)]
            assert first != second
            connection.delete(image_key(first))
            assert connection.get(image_key(second)) == b"jpeg"
            assert connection.get(heatmap_key(second)) == heatmap
            assert connection.ttl(image_key(second)) > 0

    use(redis_url, connection, work)


def test_a_header_is_checked_before_a_worker_is_needed(redis_url: str, connection: Redis) -> None:
    async def work(service: Service, _: StandInWorker) -> None:
        for data, error in ((PHOTO, TooManyPixelsError), (b"hello", UnsupportedImageError)):
            with pytest.raises(error):
                await count_pixels(service, await create_upload(data, Options()))

    use(redis_url, connection, work, max_pixels=700, worker_grace_s=0)


def test_without_a_worker_no_pixels_are_counted(redis_url: str, connection: Redis) -> None:
    async def work(service: Service, _: StandInWorker) -> None:
        for data in (PHOTO, file_of(photo(32, 24))):
            with pytest.raises(NoWorkerError):
                await count_pixels(service, await create_upload(data, Options()))

    use(redis_url, connection, work, worker_grace_s=0)


def test_without_redis_nothing_is_looked_up_or_linked(connection: Redis) -> None:
    async def work(service: Service, _: StandInWorker) -> None:
        upload = await create_upload(PHOTO, Options())
        outcome = await compress(service, upload, TICKET, may_store=False, may_reuse=False)
        with pytest.raises(QueueUnavailableError):
            await create_linked_job(service, outcome)
        with pytest.raises(RedisError):
            await service.count_workers()
        with pytest.raises(QueueUnavailableError):
            await find_cached(service, upload, TICKET)

    use("unix:///nonexistent/redis.sock", connection, work)


@pytest.mark.parametrize(("worker_started_unix_s", "expected"), [(None, 9), (5.0, 9), (12.0, 12)])
def test_the_times_of_an_outcome_are_those_of_its_upload(
    worker_started_unix_s: float | None, expected: float
) -> None:
    result = Result("job", 1, 1, 4, 4, 4, "v", None, {}, 1, started_unix_s=worker_started_unix_s)
    outcome = Outcome(Finished(result, b"jpeg", None), "identity", {})
    result = set_times(outcome, 9.0).finished.result
    assert (result.submitted_unix_s, result.started_unix_s) == (9.0, expected)


def test_a_result_without_room_is_cached_and_never_read(redis_url: str, connection: Redis) -> None:
    async def work(service: Service, worker: StandInWorker) -> None:
        admission = Admission(max_pending=9, max_pending_bytes=10)
        upload = await create_upload(PHOTO, Options())
        with admission.admit() as other, admission.admit() as ticket:
            other.allocate(7)  # the result has 4 bytes
            with pytest.raises(QueueFullError):
                await compress(service, upload, ticket)
            with pytest.raises(QueueFullError):  # nor is it read from the cache
                await compress(service, upload, ticket)
            other.hold(0)
            assert (await compress(service, upload, ticket)).cached_ms is not None
            assert admission.pending_bytes == 4
        assert worker.runs == 1

    use(redis_url, connection, work)
