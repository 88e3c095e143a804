"""Starts jobs that no client waits for (``Prefer: respond-async``), with their webhooks."""

from contextlib import ExitStack, suppress
from dataclasses import dataclass

from app.service.admission import Ticket
from app.service.compression import Upload, count_pixels, create_linked_job, find_cached
from app.service.front_end import Service
from app.webhooks.webhooks import Webhooks
from contract.errors import FoveateError


@dataclass(frozen=True, slots=True)
class Hook:
    """Where the end of a job is told; the links in it are under the prefix ``root_path``."""

    webhooks: Webhooks
    url: str
    root_path: str


async def start_job(
    service: Service,
    upload: Upload,
    ticket: Ticket,
    held: ExitStack,
    *,
    may_reuse: bool,
    may_store: bool,
    hook: Hook | None = None,
) -> str:
    """Return the id of a job that has been queued, or, from the cache, has ended.

    The job takes over ``held``, and with it the upload's place, until it has ended.

    Raises:
        FoveateError: when the photo can't be compressed, or the webhook can't be stored; then there is
            no job.
    """
    cached = await find_cached(service, upload, ticket) if may_reuse else None
    if cached is not None:
        job_id = await create_linked_job(service, cached)
    else:
        pixels = await count_pixels(service, upload)
        held.enter_context(
            service.capacity.reserve(pixels, service.settings.job_deadline_s, upload.options.format)
        )
        job_id = await service.detached.start(
            upload.data,
            pixels,
            upload.options,
            upload.digest,
            held,
            may_store=may_store and service.cache.is_on,
            on_end=hook.webhooks.wake if hook else None,
        )
        ticket.detach()
    if hook:
        try:
            await hook.webhooks.add(job_id, hook.url, hook.root_path)
        except FoveateError:
            with suppress(FoveateError):  # it has a deadline
                await service.jobs.delete(job_id)
            raise
    return job_id
