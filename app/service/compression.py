"""One upload to one finished photo: from the cache, with an equal upload under way, or by a worker."""

import asyncio
import secrets
import time
from dataclasses import dataclass

from redis.exceptions import RedisError

from app.queue.client import ID_BYTES
from app.results.identity import digest_input, identify
from app.results.result import Finished, Outcome
from app.service.front_end import Service
from app.service.probe import probe, probe_jpeg_header
from contract.errors import QueueUnavailableError
from contract.messages import Options, Result


@dataclass(frozen=True, slots=True)
class Upload:
    """A photo's bytes, what is to be done with them, and the SHA-256 of the bytes."""

    data: bytes
    options: Options
    digest: bytes

    def identify(self, version: str) -> str:
        """Return the identity of this upload's result."""
        return identify(self.digest, self.options, version)


async def receive(data: bytes, options: Options) -> Upload:
    """Return an upload with its digest."""
    return Upload(data, options, await digest_input(data))


async def find_cached(service: Service, upload: Upload) -> Outcome | None:
    """Return the result of an equal upload, if it is cached; no worker is needed.

    Raises:
        QueueUnavailableError: when Redis is known not to answer.
    """
    service.require_redis()
    started_s = time.perf_counter()
    for version in service.versions:
        identity = upload.identify(version)
        if finished := await service.cache.find(identity):
            service.metrics.cache.labels("hit").inc()
            stage_ms = dict.fromkeys(finished.result.stage_ms, 0.0)
            return Outcome(finished, identity, stage_ms, 1e3 * (time.perf_counter() - started_s))
    return None


async def count_pixels(service: Service, upload: Upload) -> int:
    """Return what the image's header says, once it is one that a worker can take.

    Raises:
        ClientError: when it is no image, or too large a one.
        ServiceError: when no worker would take it.
    """
    max_pixels = service.settings.max_pixels
    probed = probe_jpeg_header(upload.data, max_pixels)
    if probed is None:
        # A header can take long to read when it wants to; the event loop must not wait for it.
        probed = await asyncio.to_thread(probe, upload.data, max_pixels)
    service.require_worker()
    return probed.width_px * probed.height_px


async def compress(
    service: Service,
    upload: Upload,
    *,
    may_reuse: bool = True,
    may_store: bool = True,
) -> Outcome:
    """Return a photo, compressed; with ``may_reuse`` perhaps some time ago.

    Equal uploads at the same time share one job, unless the result may not be stored.

    Raises:
        FoveateError: what stands in the way.
    """
    is_shared = may_store and service.cache.is_on

    async def take(result: Result) -> Finished | None:
        return await service.cache.take(upload.identify(result.model_version), result)

    async def work() -> Outcome:
        if may_reuse and (cached := await find_cached(service, upload)):
            return cached
        pixels = await count_pixels(service, upload)
        service.metrics.cache.labels("miss").inc()
        finished = await service.queue.compress(
            upload.data,
            pixels,
            upload.options,
            service.settings.request_timeout_s,
            take=take if is_shared else None,
        )
        result = finished.result
        return Outcome(finished, upload.identify(result.model_version), result.stage_ms)

    if not is_shared:
        return await work()
    # Who wants no cached result can't share with who gets one.
    flight = f"{upload.identify(','.join(sorted(service.versions)))} {may_reuse}"
    outcome, joined = await service.flights.join(flight, work)
    if joined:
        service.metrics.cache.labels("joined" if outcome.cached_ms is None else "hit").inc()
    return outcome


async def link(service: Service, outcome: Outcome) -> str:
    """Return the id of a job under which the outcome's pictures can be fetched for a while.

    Each response has an id and pictures of its own: deleting them takes nothing from others.

    Raises:
        QueueUnavailableError: when Redis does not answer or is full.
    """
    job_id = secrets.token_urlsafe(ID_BYTES)
    try:
        finished = outcome.finished
        if not await service.cache.copy_to_job(outcome.identity, finished.result, job_id):
            await service.jobs.store(job_id, finished)
    except RedisError as error:
        raise QueueUnavailableError("The queue can't keep pictures now.") from error
    return job_id
