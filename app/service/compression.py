"""Gets an upload's result: from the cache, with an equal upload in progress, or from a worker."""

import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

from redis.exceptions import RedisError

from app.queue.client import ID_BYTES
from app.results.identity import digest_input, identify
from app.results.result import Finished, Outcome, bound_bytes
from app.service.admission import Ticket
from app.service.front_end import Service
from app.service.probe import probe
from app.service.single_flight import TimeLeft
from contract.errors import DeadlineError, QueueFullError, QueueUnavailableError
from contract.messages import Options, Result

# A job with less time than this is not worth queueing.
MIN_REPEAT_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Upload:
    """A photo's bytes, the options, and the SHA-256 digest of the bytes."""

    data: bytes
    options: Options
    digest: bytes

    def identify(self, version: str) -> str:
        """Return the identity of this upload's result under ``version``."""
        return identify(self.digest, self.options, version)


async def create_upload(data: bytes, options: Options) -> Upload:
    """Return an upload with its digest."""
    return Upload(data, options, await digest_input(data))


async def find_cached(service: Service, upload: Upload, ticket: Ticket) -> Outcome | None:
    """Return the cached result of an equal upload, else None.

    Raises:
        QueueFullError: when ``ticket`` has no room for its pictures.
        QueueUnavailableError: when Redis is known not to respond.
    """
    service.require_redis()
    started_s = time.perf_counter()
    for version in service.versions:
        identity = upload.identify(version)
        if finished := await service.cache.find(identity, ticket.allocate_response):
            service.metrics.cache.labels("hit").inc()
            stage_ms = dict.fromkeys(finished.result.stage_ms, 0.0)
            elapsed_ms = 1e3 * (time.perf_counter() - started_s)
            return set_times(Outcome(finished, identity, stage_ms, elapsed_ms), time.time())
    return None


async def count_pixels(service: Service, upload: Upload) -> int:
    """Return the pixel count in the image's header; check that a worker can compress it.

    Raises:
        ClientError: when the upload is not a supported image, is damaged or has too many pixels.
        ServiceError: when no worker is running, or Redis is known not to respond.
    """
    header = await probe(
        upload.data, service.settings.max_pixels, heic=service.settings.heic == "on"
    )
    service.require_worker()
    return header.width_px * header.height_px


async def compress(
    service: Service,
    upload: Upload,
    ticket: Ticket,
    *,
    may_reuse: bool = True,
    may_store: bool = True,
) -> Outcome:
    """Return the compressed photo, with ``may_reuse`` also from the cache.

    With ``may_store`` the result is cached, and concurrent equal uploads share one job. Each of them
    has its own deadline. ``ticket`` counts the bytes of the pictures before they are read.

    Raises:
        FoveateError: when the photo can't be compressed.
    """
    is_shared = may_store and service.cache.is_on
    submitted_unix_s = time.time()

    async def take(result: Result) -> Finished | None:
        identity = upload.identify(result.model_version)
        try:
            ticket.allocate_response(bound_bytes(result))
        except QueueFullError:
            if is_shared:  # the client will try again
                await service.cache.keep(identity, result)
            raise
        return await service.cache.take(identity, result) if is_shared else None

    timeout_s = service.settings.request_timeout_s

    async def work(left_s: TimeLeft) -> Outcome:
        if may_reuse and (cached := await find_cached(service, upload, ticket)):
            return cached
        pixels = await count_pixels(service, upload)
        service.metrics.cache.labels("miss").inc()
        with service.capacity.reserve(pixels, left_s(), upload.options.format):
            finished = await run_job(service, upload, pixels, ticket, left_s, take=take)
        result = finished.result
        return Outcome(finished, upload.identify(result.model_version), result.stage_ms)

    # A client that refuses cached results can't share a run that may use one.
    shared_key = f"{upload.identify(','.join(sorted(service.versions)))} {may_reuse}"
    try:
        outcome, joined = await service.single_flight.run(
            shared_key if is_shared else object(), work, timeout_s
        )
    except (TimeoutError, DeadlineError) as error:
        raise DeadlineError(f"No result within {timeout_s:g} s.") from error
    if joined:
        service.metrics.cache.labels("joined" if outcome.cached_ms is None else "hit").inc()
    return set_times(outcome, submitted_unix_s)


async def run_job(
    service: Service,
    upload: Upload,
    pixels: int,
    ticket: Ticket,
    left_s: TimeLeft,
    *,
    take: Callable[[Result], Awaitable[Finished | None]],
) -> Finished:
    """Return a worker's result of an upload of ``pixels`` pixels.

    A worker drops a job at the deadline that it was sent with, or gives it up before. Uploads that
    joined later get another job, with theirs; not for want of room on ``ticket``.

    Raises:
        FoveateError: when the photo can't be compressed, or not before the last deadline.
    """
    while True:
        deadline_s = time.monotonic() + left_s()
        try:
            return await service.queue.run_job(
                upload.data, pixels, upload.options, left_s(), take=take
            )
        except (DeadlineError, QueueFullError):
            extended_s = time.monotonic() + left_s() - deadline_s
            if ticket.refused or min(extended_s, left_s()) < MIN_REPEAT_S:
                raise


def set_times(outcome: Outcome, submitted_unix_s: float) -> Outcome:
    """Return the outcome with the times of one upload, which may be later than the worker's run."""
    result = outcome.finished.result
    result = replace(
        result,
        submitted_unix_s=submitted_unix_s,
        started_unix_s=max(submitted_unix_s, result.started_unix_s or 0.0),
    )
    return replace(outcome, finished=outcome.finished._replace(result=result))


async def create_linked_job(service: Service, outcome: Outcome) -> str:
    """Store the outcome's pictures as a finished job; return its id.

    Each response gets its own job and copies, so that deleting them affects no other response.

    Raises:
        QueueUnavailableError: when Redis does not respond or is full.
    """
    job_id = secrets.token_urlsafe(ID_BYTES)
    try:
        finished = outcome.finished
        if not await service.cache.copy_to_job(outcome.identity, finished.result, job_id):
            await service.jobs.store(job_id, finished)
    except RedisError as error:
        raise QueueUnavailableError("The queue can't store pictures now.") from error
    return job_id
