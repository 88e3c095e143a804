"""``/jobs/{id}``: a job's state, its pictures, its events, its end."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import Response

from app.http.dependencies import ServiceDependency
from app.http.documents import JobDocument, describe_job
from app.http.preferences import parse_entity_tags
from app.http.problems import MEDIA_TYPE
from app.http.responses import CACHE_CONTROL, describe_result
from app.queue.jobs import Job, Jobs
from app.service.front_end import Service
from contract.errors import FoveateError, UnfinishedJobError
from contract.messages import Failure, Result

router = APIRouter(prefix="/jobs/{job_id}", tags=["jobs"])

# How often a watched job's state is read; nothing tells of its place in the queue.
EVENTS_INTERVAL_S = 0.25
# A stream ends after this; an EventSource then connects again by itself. So no client that only
# waits keeps a front end from draining.
EVENTS_AT_MOST_S = 30.0
# Each costs four reads a second. Those beyond end after their first event, so that their clients
# ask now and then instead.
MAX_EVENT_STREAMS = 256
COME_BACK_MS, COME_BACK_LATER_MS = 1000, 5000

PROBLEM = {"content": {MEDIA_TYPE: {"schema": {"type": "object"}}}}
BINARY = {"schema": {"type": "string", "format": "binary"}}
ERRORS: dict[int | str, dict[str, Any]] = {
    404: {"description": "Unknown job", **PROBLEM},
    410: {"description": "Its pictures have expired, or it was deleted", **PROBLEM},
    503: {"description": "The queue is not available", **PROBLEM},
}
PICTURE_ERRORS: dict[int | str, dict[str, Any]] = {
    **ERRORS,
    304: {"description": "The client has this picture"},
    409: {"description": "The job has not finished", **PROBLEM},
    422: {"description": "The job failed: its own error, of whatever status", **PROBLEM},
}


async def read_job(
    job_id: Annotated[str, Path(description="As `Location` or a link named it")],
    service: ServiceDependency,
) -> Job:
    """Return the job of the path; a dependency, so that errors come before a stream begins."""
    return await service.jobs.read(job_id)


JobDependency = Annotated[Job, Depends(read_job)]


@router.head("", include_in_schema=False, response_model_exclude_none=True)
@router.get("", summary="A job's state", response_model_exclude_none=True, responses=ERRORS)
async def show(job: JobDependency, response: Response) -> JobDocument:
    """Get state, place in the queue, and once it has finished what came of it."""
    response.headers["Cache-Control"] = "no-store"
    return describe_job(job)


@router.delete("", summary="Withdraw or forget a job", status_code=204, responses=ERRORS)
async def delete(job_id: str, service: ServiceDependency) -> Response:
    """Take a waiting job back; of a finished one, remove the pictures."""
    await service.jobs.delete(job_id)
    return Response(status_code=204)


@router.head("/image", include_in_schema=False)
@router.get(
    "/image",
    summary="A finished job's JPEG",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": BINARY}}, **PICTURE_ERRORS},
)
async def image(request: Request, job: JobDependency, service: ServiceDependency) -> Response:
    """Get the JPEG while it is kept."""
    return await show_picture(request, job, service, heatmap=False)


@router.head("/heatmap", include_in_schema=False)
@router.get(
    "/heatmap",
    summary="A finished job's heatmap",
    response_class=Response,
    responses={200: {"content": {"image/png": BINARY, "image/jpeg": BINARY}}, **PICTURE_ERRORS},
)
async def heatmap(request: Request, job: JobDependency, service: ServiceDependency) -> Response:
    """Get the heatmap that the job was asked for, while it is kept."""
    return await show_picture(request, job, service, heatmap=True)


async def show_picture(request: Request, job: Job, service: Service, *, heatmap: bool) -> Response:
    """Return one of a finished job's pictures, or raise why there is none."""
    if isinstance(job.reply, Failure):
        raise job.reply.to_error()
    if not isinstance(job.reply, Result):
        raise UnfinishedJobError(f"The job is {job.state}; come back when it has finished.")
    result = job.reply
    request.state.stage_ms = result.stage_ms
    blob = await service.jobs.read_picture(result, heatmap=heatmap)
    tag = hashlib.sha256(blob).hexdigest()[:32]
    headers = {
        **describe_result(result, result.stage_ms),
        "ETag": f'"{tag}"',
        "Cache-Control": CACHE_CONTROL,
    }
    if tag in parse_entity_tags(request.headers):
        return Response(status_code=304, headers=headers)
    media_type = result.heatmap_type if heatmap else "image/jpeg"
    return Response(blob, headers=headers, media_type=media_type)


@router.get(
    "/events",
    summary="A job's states as they come, as server-sent events",
    response_class=EventSourceResponse,
    responses=ERRORS,
)
async def events(job: JobDependency, service: ServiceDependency) -> AsyncIterator[ServerSentEvent]:
    """Stream each change of state or place; the event's name is the state, its data the job.

    The stream ends with the job. One that takes longer than half a minute ends before: an
    `EventSource` comes again by itself.
    """
    is_full = service.event_streams >= MAX_EVENT_STREAMS
    service.event_streams += 1
    try:
        async for event in watch(job, service.jobs, once=is_full):
            yield event
    finally:
        service.event_streams -= 1


async def watch(job: Job, jobs: Jobs, *, once: bool) -> AsyncIterator[ServerSentEvent]:
    """Yield the job now, and unless ``once`` each change until it ends or time is up."""
    ends_s = time.monotonic() + (0 if once else EVENTS_AT_MOST_S)
    retry_ms = COME_BACK_LATER_MS if once else COME_BACK_MS
    shown = ""
    while True:
        document = describe_job(job).model_dump_json(exclude_none=True)
        if document != shown:
            shown = document
            yield ServerSentEvent(event=job.state, raw_data=document, retry=retry_ms)
        if job.reply is not None or time.monotonic() >= ends_s:
            return
        await asyncio.sleep(EVENTS_INTERVAL_S)
        try:
            job = await jobs.read(job.job_id)
        except FoveateError as error:
            # Deleted, or Redis is gone: the stream has begun, so this is an event as well.
            yield ServerSentEvent(event="gone", raw_data=error.code)
            return
