"""``POST /compress``: the route, and its description in OpenAPI."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.http.body import BodyDeadline, is_form, read_body
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
from app.options import describe_options
from app.presets import PRESET
from app.service.compression import (
    Upload,
    create_linked_job,
    create_upload,
)
from app.service.compression import compress as compress_upload
from app.service.front_end import Service
from app.service.job_start import Hook, start_job
from app.webhooks.parameter import WEBHOOK, WEBHOOK_SCHEMA, split_webhook
from contract.errors import CorruptImageError, InvalidOptionError, MaxBytesError
from contract.images import MEDIA_TYPES
from contract.messages import Options

router = APIRouter()

PRESET_SCHEMA: Final = {
    "type": "string",
    "description": "Name of a preset, if the service has any: options that the operator has chosen. "
    "Other options take precedence over those of the preset",
}


def describe_compress() -> dict[str, Any]:
    """Return OpenAPI's description of parameters and bodies, which the handler parses itself."""
    properties = {**describe_options(), PRESET: PRESET_SCHEMA, WEBHOOK: WEBHOOK_SCHEMA}
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
            "description": "Too many uploads are waiting, or the API key is at its limit",
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
    """Send a photo: its bytes, or a form with one part named `file`. The response is a JPEG, an AVIF or a JP2.

    JPEG, PNG, WebP, AVIF, HEIC, GIF, BMP and TIFF are read.
    """
    service: Service = request.app.state.service
    request.state.count_status = service.metrics.requests
    request.state.observe_s = service.metrics.request_s.labels("/compress").observe
    return await respond(request, service)


async def respond(request: Request, service: Service) -> Response:
    """Return the response to one upload.

    Raises:
        FoveateError: when the photo can't be compressed.
    """
    settings = service.settings
    root_path = request.scope["root_path"]
    has_fields = is_form(request)
    preferences = parse_preferences(request.headers)
    # First: wrong options need no upload. The fields of a form come with it.
    options, webhook = parse_parameters(
        request, service, has_job=preferences.detached, is_complete=not has_fields
    )
    held: ExitStack = request.state.held
    if service.key_limits.is_on:
        service.require_redis()
        await service.key_limits.admit(request.state.api_key, held, service.capacity.retry_after_s)
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
    if has_fields:
        options, webhook = parse_parameters(
            request, service, body.fields, has_job=preferences.detached
        )
    upload = await create_upload(body.data, options)
    media_type = choose_available(preferences.media_type, has_heatmap=options.heatmap != "none")
    if preferences.detached:
        job_id = await start_job(
            service,
            upload,
            ticket,
            held,
            may_reuse=preferences.may_reuse,
            may_store=preferences.may_store,
            hook=Hook(request.app.state.webhooks, webhook, root_path) if webhook else None,
        )
        return await respond_accepted(service, job_id, root_path)
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
    linked_id = await create_linked_job(service, outcome) if has_links else None
    response = to_photo_response(outcome, media_type, linked_id, root_path)
    ticket.hold(len(response.body))
    return response


def parse_parameters(
    request: Request,
    service: Service,
    fields: Sequence[tuple[str, str]] = (),
    *,
    has_job: bool,
    is_complete: bool = True,
) -> tuple[Options, str | None]:
    """Return the options and the webhook's URL, from the query and the ``fields`` of a form.

    Raises:
        InvalidOptionError: as ``Presets.parse`` and ``split_webhook``.
    """
    query = request.scope["query_string"]
    if not fields and WEBHOOK.encode() not in query:
        return service.presets.parse_query(query, is_complete=is_complete), None
    pairs, webhook = split_webhook(
        [*request.query_params.multi_items(), *fields],
        request.app.state.webhooks,
        has_job=has_job,
    )
    return service.presets.parse(pairs, is_complete=is_complete), webhook


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


async def respond_accepted(service: Service, job_id: str, root_path: str) -> Response:
    """Return 202 with the path of a job.

    Raises:
        FoveateError: when the job can't be read.
    """
    job = await service.jobs.read(job_id)
    headers = {
        "Location": job_path(job_id, root_path),
        "Preference-Applied": "respond-async",
        "Cache-Control": "no-store",
        "Vary": VARY,
    }
    document = describe_job(job, root_path).model_dump(mode="json", exclude_none=True)
    return JSONResponse(document, status_code=202, headers=headers)
