"""``POST /compress``: the route, and its description in OpenAPI."""

from contextlib import ExitStack
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.http.body import BodyDeadline, read_body
from app.http.disconnect import CLIENT_CLOSED_REQUEST, cancel_on_disconnect, find_connection
from app.http.documents import JobDocument, describe_job, job_path
from app.http.headers import describe_request_headers, describe_response_headers
from app.http.preferences import MediaType, Preferences, parse_preferences
from app.http.problems import MEDIA_TYPE, to_examples
from app.http.responses import (
    VARY,
    choose_available,
    to_entity_tag,
    to_not_modified,
    to_photo_response,
)
from app.options import describe_options, parse_options, parse_query
from app.service.admission import Ticket
from app.service.compression import (
    Upload,
    count_pixels,
    create_linked_job,
    create_upload,
    find_cached,
)
from app.service.compression import compress as compress_upload
from app.service.front_end import Service
from contract.errors import CorruptImageError, InvalidOptionError, MaxBytesError
from contract.images import MEDIA_TYPES

router = APIRouter()


def describe_compress() -> dict[str, Any]:
    """Return OpenAPI's description of parameters and bodies, which the handler parses itself."""
    properties = describe_options()
    binary = {"schema": {"type": "string", "format": "binary"}}
    form = {
        "type": "object",
        "properties": {"file": binary["schema"], **properties},
        "required": ["file"],
        "additionalProperties": False,
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
        ]
        + describe_request_headers(
            (
                "Cache-Control",
                "If-None-Match",
                "Prefer",
                "traceparent",
                "tracestate",
                "X-Request-ID",
            )
        ),
        "requestBody": {
            "required": True,
            "content": {
                "image/*": binary,
                "application/octet-stream": binary,
                "multipart/form-data": {"schema": form},
            },
        },
    }


INVALID = to_examples(
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
            "description": "The photo. With `Accept: multipart/mixed` the photo and its heatmap; with "
            "`Accept: application/json` the job, with sizes and links",
            "model": JobDocument,
            "content": {
                **{
                    media_type: {"schema": {"type": "string", "format": "binary"}}
                    for media_type in MEDIA_TYPES.values()
                },
                "multipart/mixed": {"schema": {"type": "string", "format": "binary"}},
            },
            "headers": describe_response_headers(
                [
                    *("ETag", "Server-Timing", "X-Request-ID", "X-Original-Bytes"),
                    *("X-Compressed-Bytes", "X-Reference-Bytes", "X-Passthrough"),
                    *("X-Crop", "X-Focus"),
                    *("Link", "Content-Location"),
                ]
            ),
        },
        202: {
            "description": "With `Prefer: respond-async`: the job",
            "model": JobDocument,
            "headers": describe_response_headers(["Location", "Preference-Applied"]),
        },
        304: {"description": "`If-None-Match` contains the response's `ETag`"},
        400: {"description": "Malformed request", **PROBLEM},
        408: {"description": "The body arrived too slowly", **PROBLEM},
        413: {"description": "Too many bytes or pixels", **PROBLEM},
        415: {"description": "Not an image of a supported format or kind", **PROBLEM},
        422: {
            "description": "Invalid option, damaged image, or `max_bytes` out of reach",
            "content": {MEDIA_TYPE: {"schema": {"type": "object"}, "examples": INVALID}},
        },
        429: {
            "description": "Too many uploads are waiting",
            "headers": describe_response_headers(["Retry-After"]),
            **PROBLEM,
        },
        503: {
            "description": "No worker is running, or the queue is not available",
            "headers": describe_response_headers(["Retry-After"]),
            **PROBLEM,
        },
        504: {"description": "The deadline has passed", **PROBLEM},
    },
    openapi_extra=describe_compress(),
)
async def compress(request: Request) -> Response:
    """Send a photo: its bytes, or a form with one part named `file`. The response is a JPEG, or an AVIF.

    JPEG, PNG, WebP, AVIF, HEIC, GIF, BMP and TIFF are read.
    """
    service: Service = request.app.state.service
    request.state.count_status = service.metrics.requests
    return await respond(request, service)


async def respond(request: Request, service: Service) -> Response:
    """Return the response to one upload.

    Raises:
        FoveateError: when the photo can't be compressed.
    """
    settings = service.settings
    root_path = request.scope["root_path"]
    options = parse_query(request.scope["query_string"])  # first: wrong options need no upload
    preferences = parse_preferences(request.headers)
    held: ExitStack = request.state.held
    ticket = held.enter_context(service.admission.admit(find_connection(request)))
    body = await read_body(
        request,
        ticket,
        max_bytes=settings.max_upload_bytes,
        deadline=BodyDeadline(
            settings.upload_timeout_s,
            settings.upload_grace_s,
            settings.min_upload_bytes_per_s,
        ),
    )
    if body.fields:
        options = parse_options([*request.query_params.multi_items(), *body.fields])
    upload = await create_upload(body.data, options)
    media_type = choose_available(preferences.media_type, has_heatmap=options.heatmap != "none")
    if preferences.detached:
        return await start_job(service, upload, ticket, held, preferences, root_path=root_path)
    if tag := match_entity_tag(service, upload, media_type, preferences):
        return to_not_modified(tag)
    has_links = media_type == "application/json" or (
        media_type == "image/jpeg" and options.heatmap != "none"
    )
    outcome = await cancel_on_disconnect(
        request,
        compress_upload(
            service,
            upload,
            ticket,
            may_reuse=preferences.may_reuse,
            may_store=preferences.may_store,
        ),
    )
    if outcome is None:
        return Response(status_code=CLIENT_CLOSED_REQUEST)
    service.metrics.observe_result(outcome.finished.result)
    request.state.stage_ms = outcome.stage_ms
    job_id = await create_linked_job(service, outcome) if has_links else None
    response = to_photo_response(outcome, media_type, job_id, root_path)
    ticket.hold(len(response.body))
    return response


def match_entity_tag(
    service: Service, upload: Upload, media_type: MediaType, preferences: Preferences
) -> str | None:
    """Return the response's tag if the client has that response already, else None."""
    if not preferences.entity_tags or media_type == "application/json":
        return None
    tags = {
        to_entity_tag(upload.identify(version), media_type, None) for version in service.versions
    }
    return next(iter(tags & preferences.entity_tags), None)


async def start_job(
    service: Service,
    upload: Upload,
    ticket: Ticket,
    held: ExitStack,
    preferences: Preferences,
    *,
    root_path: str,
) -> Response:
    """Start a job that needs no waiting client; return 202 with its path.

    The job takes over ``held``, and with it the upload's place, until it has ended.

    Raises:
        FoveateError: when the photo can't be compressed.
    """
    cached = await find_cached(service, upload, ticket) if preferences.may_reuse else None
    if cached is not None:
        job_id = await create_linked_job(service, cached)
    else:
        pixels = await count_pixels(service, upload)
        held.enter_context(
            service.capacity.reserve(pixels, service.settings.job_deadline_s, upload.options.format)
        )
        may_store = preferences.may_store and service.cache.is_on
        job_id = await service.detached.start(
            upload.data, pixels, upload.options, upload.digest, held, may_store=may_store
        )
        ticket.detach()
    job = await service.jobs.read(job_id)
    headers = {
        "Location": job_path(job_id, root_path),
        "Preference-Applied": "respond-async",
        "Cache-Control": "no-store",
        "Vary": VARY,
    }
    document = describe_job(job, root_path).model_dump(mode="json", exclude_none=True)
    return JSONResponse(document, status_code=202, headers=headers)
