"""``/jobs/{id}``: reads, watches and deletes a job, and returns its pictures."""

import asyncio
import hashlib
import math
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from app.http.dependencies import ServiceDependency
from app.http.disconnect import find_connection
from app.http.documents import JobDocument, describe_job
from app.http.headers import describe_request_headers
from app.http.preferences import parse_entity_tags
from app.http.problems import MEDIA_TYPE
from app.http.responses import CACHE_CONTROL, describe_result
from app.queue.job import Job
from app.queue.jobs import Jobs
from app.service.front_end import Service
from contract.errors import FoveateError, UnfinishedJobError
from contract.images import MEDIA_TYPES
from contract.messages import Failure, Result

router = APIRouter(prefix="/jobs/{job_id}", tags=["jobs"])

# How often a watched job is read: no notification tells its position in the queue.
EVENTS_INTERVAL_S: Final = 0.25
# A stream ends after this, so that no waiting client delays the end of a front end. An EventSource
# reconnects by itself.
MAX_STREAM_S: Final = 30.0
# Each stream costs four reads per second. Streams above the limit end after their first event, so
# that their clients poll instead.
MAX_EVENT_STREAMS: Final = 256
# Pictures are read from Redis and sent in pieces, so that a client that reads slowly holds one only.
PIECE_BYTES: Final = 128 * 1024
RECONNECT_MS: Final = 1000
POLL_MS: Final = 5000

PROBLEM = {"content": {MEDIA_TYPE: {"schema": {"type": "object"}}}}
BINARY = {"schema": {"type": "string", "format": "binary"}}
ERRORS: dict[int | str, dict[str, Any]] = {
    404: {"description": "Unknown job", **PROBLEM},
    410: {"description": "The job was deleted, or its pictures have expired", **PROBLEM},
    503: {"description": "The queue is not available", **PROBLEM},
}
PICTURE_ERRORS: dict[int | str, dict[str, Any]] = {
    **ERRORS,
    304: {"description": "`If-None-Match` contains the picture's `ETag`"},
    409: {"description": "The job has not finished", **PROBLEM},
    422: {"description": "The job failed: the error and status of the job", **PROBLEM},
    429: {"description": "Too many pictures are being sent", **PROBLEM},
}
CONDITIONAL = {"parameters": describe_request_headers(["If-None-Match"])}


async def read_job(
    job_id: Annotated[str, Path(description="From `Location` or a link")],
    service: ServiceDependency,
) -> Job:
    """Return the job of the path. A dependency, so that its errors come before a stream starts."""
    return await service.jobs.read(job_id)


JobDependency = Annotated[Job, Depends(read_job)]


@router.head("", include_in_schema=False, response_model_exclude_none=True)
@router.get("", summary="A job's state", response_model_exclude_none=True, responses=ERRORS)
async def show(request: Request, job: JobDependency, response: Response) -> JobDocument:
    """Get the state, the position in the queue, and the result or error of a job that has ended."""
    response.headers["Cache-Control"] = "no-store"
    return describe_job(job, request.scope["root_path"])


@router.delete("", summary="Withdraw or delete a job", status_code=204, responses=ERRORS)
async def delete(job_id: str, service: ServiceDependency) -> Response:
    """Withdraw a waiting or running job; delete the pictures of a finished one."""
    await service.jobs.delete(job_id)
    return Response(status_code=204)


@router.head("/image", include_in_schema=False)
@router.get(
    "/image",
    summary="A finished job's file",
    response_class=Response,
    responses={
        200: {"content": dict.fromkeys(MEDIA_TYPES.values(), BINARY)},
        **PICTURE_ERRORS,
    },
    openapi_extra=CONDITIONAL,
)
async def image(request: Request, job: JobDependency, service: ServiceDependency) -> Response:
    """Get the JPEG or AVIF until it expires."""
    return await to_picture_response(request, job, service, heatmap=False)


@router.head("/heatmap", include_in_schema=False)
@router.get(
    "/heatmap",
    summary="A finished job's heatmap",
    response_class=Response,
    responses={200: {"content": {"image/png": BINARY, "image/jpeg": BINARY}}, **PICTURE_ERRORS},
    openapi_extra=CONDITIONAL,
)
async def heatmap(request: Request, job: JobDependency, service: ServiceDependency) -> Response:
    """Get the heatmap, if the options included one, until it expires."""
    return await to_picture_response(request, job, service, heatmap=True)


async def to_picture_response(
    request: Request, job: Job, service: Service, *, heatmap: bool
) -> Response:
    """Return the photo or the heatmap of a finished job.

    Raises:
        FoveateError: the job's own error if it failed, else why there is no such picture.
    """
    if isinstance(job.reply, Failure):
        raise job.reply.to_error()
    if not isinstance(job.reply, Result):
        raise UnfinishedJobError(f"The job is {job.state}; try again when it has finished.")
    result = job.reply
    request.state.stage_ms = result.stage_ms
    key, length_bytes = await service.jobs.find_picture(result, heatmap=heatmap)
    # A hash, because a job's id is a secret. Its pictures never change.
    tag = hashlib.sha256(key.encode()).hexdigest()[:32]
    headers = {
        **describe_result(result, result.stage_ms),
        "ETag": f'"{tag}"',
        "Cache-Control": CACHE_CONTROL,
    }
    if tag in parse_entity_tags(request.headers):
        return Response(status_code=304, headers=headers)
    media_type = result.heatmap_type if heatmap else MEDIA_TYPES[result.format]
    headers["Content-Length"] = str(length_bytes)
    if request.method == "HEAD":
        return Response(headers=headers, media_type=media_type)
    ticket = request.state.held.enter_context(service.downloads.admit(find_connection(request)))
    ticket.allocate(min(PIECE_BYTES, length_bytes))
    first = await service.jobs.read_piece(key, 0, min(PIECE_BYTES, length_bytes))
    if len(first) == length_bytes:
        return Response(first, headers=headers, media_type=media_type)
    await service.jobs.keep_picture(key, math.ceil(service.settings.send_timeout_s))
    pieces = read_pieces(service.jobs, key, first, length_bytes)
    return StreamingResponse(pieces, headers=headers, media_type=media_type)


async def read_pieces(
    jobs: Jobs, key: str, first: bytes, length_bytes: int
) -> AsyncIterator[bytes]:
    """Yield a picture in pieces; ``first`` has been read already."""
    yield first
    for start in range(len(first), length_bytes, PIECE_BYTES):
        yield await jobs.read_piece(key, start, min(PIECE_BYTES, length_bytes - start))


@router.get(
    "/events",
    summary="A job's changes as server-sent events",
    response_class=EventSourceResponse,
    responses=ERRORS,
    openapi_extra={"parameters": describe_request_headers(["Last-Event-ID"])},
)
async def events(
    request: Request, job: JobDependency, service: ServiceDependency
) -> AsyncIterator[ServerSentEvent]:
    """Stream an event for each change of state or position: its name is the state, its data the job.

    The stream ends with the job, or after half a minute; an `EventSource` then reconnects.
    """
    is_full = service.event_streams >= MAX_EVENT_STREAMS
    service.event_streams += 1
    try:
        async for event in watch(job, service.jobs, request.scope["root_path"], once=is_full):
            yield event
    finally:
        service.event_streams -= 1


async def watch(
    job: Job, jobs: Jobs, root_path: str = "", *, once: bool
) -> AsyncIterator[ServerSentEvent]:
    """Yield the job, and unless ``once`` its changes for up to ``MAX_STREAM_S``, until it ends."""
    ends_s = time.monotonic() + (0 if once else MAX_STREAM_S)
    retry_ms = POLL_MS if once else RECONNECT_MS
    shown = ""
    while True:
        document = describe_job(job, root_path).model_dump_json(exclude_none=True)
        if document != shown:
            shown = document
            yield ServerSentEvent(event=job.state, raw_data=document, retry=retry_ms)
        if job.reply is not None or time.monotonic() >= ends_s:
            return
        await asyncio.sleep(EVENTS_INTERVAL_S)
        try:
            job = await jobs.read(job.job_id)
        except FoveateError as error:
            # Deleted, or Redis is gone. The stream has started, so only an event can report it.
            yield ServerSentEvent(event="gone", raw_data=error.code)
            return
