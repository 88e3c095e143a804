"""``POST /compress`` and what its answer links to."""

import asyncio
import logging
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.answers import answer
from app.body import Body, Pace, read_body
from app.cancellation import end
from app.options import describe_options, parse_options
from app.probe import probe
from app.problems import MEDIA_TYPE, examples, to_response
from app.service import Service, ServiceDependency
from contract.errors import (
    CorruptImageError,
    FoveateError,
    InternalError,
    InvalidOptionError,
    MaxBytesError,
    UnknownJobError,
)
from contract.messages import Options, Result

log = logging.getLogger(__name__)

router = APIRouter()

# What nginx logs for a client that left; nobody reads this answer.
CLIENT_LEFT = 499


def describe_compress() -> dict[str, Any]:
    """Return what OpenAPI says of options and bodies; the handler reads both itself."""
    properties = describe_options()
    binary = {"schema": {"type": "string", "format": "binary"}}
    form = {
        "type": "object",
        "properties": {"file": binary["schema"], **properties},
        "required": ["file"],
    }
    return {
        "parameters": [
            {
                "name": name,
                "in": "query",
                "required": False,
                "description": field["description"],
                "schema": {key: value for key, value in field.items() if key != "description"},
            }
            for name, field in properties.items()
        ],
        "requestBody": {
            "required": True,
            "content": {
                "image/*": binary,
                "application/octet-stream": binary,
                "multipart/form-data": {"schema": form},
            },
        },
    }


INVALID = examples(
    InvalidOptionError("'floor': Input should be less than or equal to 100"),
    CorruptImageError("The image's data is truncated or damaged."),
    MaxBytesError("max_bytes is 500; the smallest JPEG of this photo has 1234 bytes."),
)
PROBLEM = {"content": {MEDIA_TYPE: {"schema": {"type": "object"}}}}


@router.post(
    "/compress",
    summary="Compress a photo; its bytes follow the saliency map",
    response_class=Response,
    responses={
        200: {
            "description": "The JPEG, or with `Accept: multipart/mixed` the JPEG and its heatmap",
            "content": {"image/jpeg": {}, "multipart/mixed": {}},
        },
        400: {"description": "Malformed request", **PROBLEM},
        413: {"description": "Too many bytes or pixels", **PROBLEM},
        415: {"description": "Not an image that is read here", **PROBLEM},
        422: {
            "description": "Invalid option, truncated or corrupt image, or `max_bytes` out of reach",
            "content": {MEDIA_TYPE: {"schema": {"type": "object"}, "examples": INVALID}},
        },
        429: {"description": "Too many uploads are waiting", **PROBLEM},
        503: {"description": "No worker, or the queue is not available", **PROBLEM},
        504: {"description": "The deadline has passed", **PROBLEM},
    },
    openapi_extra=describe_compress(),
)
async def compress(request: Request, service: ServiceDependency) -> Response:
    """Send a photo's bytes, or a form with one part named `file`; get a standard JPEG."""
    try:
        response = await respond(request, service)
    except FoveateError as error:
        service.metrics.errors.labels(error.code).inc()
        response = to_response(error)
    except Exception:  # counted and answered like any other error
        log.exception("defect")
        service.metrics.errors.labels(InternalError.code).inc()
        response = to_response(InternalError("An unexpected error; it has been logged."))
    service.metrics.requests.labels(str(response.status_code)).inc()
    return response


async def respond(request: Request, service: Service) -> Response:
    """Return the answer to one upload, or raise what stands in its way."""
    settings = service.settings
    query = request.query_params.multi_items()
    options = parse_options(query)  # before the body: a wrong option needs no upload
    with service.admission.admit() as ticket:
        body = await read_body(
            request,
            ticket,
            max_bytes=settings.max_upload_bytes,
            pace=Pace(
                settings.upload_timeout_s,
                settings.upload_grace_s,
                settings.min_upload_bytes_per_s,
            ),
        )
        if body.fields:
            options = parse_options([*query, *body.fields])
        # A header can take long to read when it wants to; the event loop must not wait for it.
        probed = await asyncio.to_thread(probe, body.data, settings.max_pixels)
        service.require_worker()
        finished = await unless_client_leaves(
            request, service, body, probed.width_px * probed.height_px, options
        )
    if finished is None:
        return Response(status_code=CLIENT_LEFT)
    result, image, heatmap = finished
    service.metrics.observe_result(result)
    return answer(result, image, heatmap, request.headers.get("accept", ""))


async def unless_client_leaves(
    request: Request, service: Service, body: Body, pixels: int, options: Options
) -> tuple[Result, bytes, bytes | None] | None:
    """Return the compressed photo, None when its client hung up; its job is then withdrawn."""
    job = asyncio.ensure_future(
        service.queue.compress(body.data, pixels, options, service.settings.request_timeout_s)
    )
    leaving = asyncio.ensure_future(client_left(request))
    try:
        await asyncio.wait({job, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return job.result() if job.done() else None
    finally:
        await end(job, leaving)


async def client_left(request: Request) -> None:
    """Return when the client has closed its connection; its body must have been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


@router.get(
    "/jobs/{job_id}/heatmap",
    summary="The heatmap that an answer of /compress links to",
    response_class=Response,
    responses={
        200: {"content": {"image/png": {}, "image/jpeg": {}}},
        404: {"description": "Unknown job, or its heatmap has expired", **PROBLEM},
    },
)
async def heatmap(job_id: str, service: ServiceDependency) -> Response:
    """Get the heatmap of a finished job while it is kept."""
    blob = await service.queue.heatmap(job_id)
    if blob is None:
        raise UnknownJobError("There is no heatmap for this job; it may have expired.")
    media_type = "image/png" if blob.startswith(b"\x89PNG") else "image/jpeg"
    return Response(blob, media_type=media_type, headers={"Cache-Control": "private, max-age=60"})
