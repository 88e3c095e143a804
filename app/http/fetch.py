"""``GET /fetch/{signature}/{options}/{url}``: downloads and compresses a photo, for CDNs."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.http.conditional import (
    choose_cache_control,
    is_not_modified,
    may_store,
    normalise_date,
)
from app.http.dependencies import ServiceDependency
from app.http.disconnect import CLIENT_CLOSED_REQUEST, cancel_on_disconnect, find_connection
from app.http.headers import describe_request_headers
from app.http.preferences import accepts_avif
from app.http.problems import MEDIA_TYPE
from app.http.responses import to_entity_tag, to_photo_response
from app.path_options import PathOptions, parse_path_options
from app.service.admission import Ticket
from app.service.compression import compress, create_upload
from app.service.front_end import Service
from app.sources.client import Source, Upstream
from app.sources.signature import read_source, verify
from app.sources.source_url import parse_source_url
from contract.errors import BadSignatureError, MalformedRequestError
from contract.images import MEDIA_TYPES

router = APIRouter()

PATH = "/fetch/{signature}/{options}/{url:path}"


def describe_problems() -> dict[int | str, dict[str, Any]]:
    """Return OpenAPI's description of the errors."""
    content = {MEDIA_TYPE: {"schema": {"type": "object"}}}
    described = {
        400: "The URL is not absolute, or the request has a query",
        403: "The signature is wrong or has expired, or the source is not allowed",
        404: "/fetch is off: the service has no keys or no hosts for it",
        413: "The source has too many bytes or pixels",
        415: "The source is not an image of a supported format",
        422: "Invalid option, damaged image, or `max_bytes` out of reach",
        429: "Too many uploads are waiting",
        502: "The source failed",
        503: "No worker is running, or the queue is not available",
        504: "The source took too long, or the deadline has passed",
    }
    return {status: {"description": text, "content": content} for status, text in described.items()}


@router.head(PATH, include_in_schema=False)
@router.get(
    PATH,
    summary="Download and compress a photo; the response can be cached",
    response_class=Response,
    responses={
        200: {
            "description": "The JPEG or AVIF",
            "content": {media_type: {} for media_type in MEDIA_TYPES.values()},
        },
        304: {"description": "The client's copy is still valid"},
        **describe_problems(),
    },
    openapi_extra={
        "parameters": describe_request_headers(["If-Modified-Since", "If-None-Match"]),
    },
)
async def fetch(
    request: Request, signature: str, options: str, url: str, service: ServiceDependency
) -> Response:
    """The signature is the HMAC-SHA256 of `options/url` in base64url, with a key of the service.

    `options` are those of POST /compress and `expires`, the end of the signature in seconds since
    1970: `name=value` pairs separated by commas, or `-` for none. With `format=auto` the response is an
    AVIF if `Accept` names `image/avif`, else a JPEG. In the path `url` is in base64url
    or percent-encoded, in the signed text it is neither.
    """
    request.state.count_status = service.metrics.fetches
    return await respond(request, service, signature, options, url)


async def respond(
    request: Request, service: Service, signature: str, options: str, url: str
) -> Response:
    """Return the response to one request.

    Raises:
        FoveateError: when the photo can't be downloaded or compressed.
    """
    settings = service.settings
    source_text = read_source(url)
    # First: without a key nobody can learn anything or cause a connection.
    verify(
        (key.get_secret_value().encode() for key in settings.fetch_keys),
        signature,
        options,
        source_text,
    )
    if request.url.query:
        raise MalformedRequestError("A query is not allowed: the options are part of the path.")
    chosen = parse_path_options(options)
    if chosen.remaining_s <= 0:
        raise BadSignatureError("The signature has expired.")
    source_url = parse_source_url(source_text)
    upstream: Upstream = request.app.state.upstream
    ticket = request.state.held.enter_context(service.admission.admit(find_connection(request)))

    async def work() -> Response:
        source = await upstream.fetch(source_url, ticket.allocate)
        return await compress_source(request, service, ticket, source, chosen)

    response = await cancel_on_disconnect(request, work())
    return response or Response(status_code=CLIENT_CLOSED_REQUEST)


async def compress_source(
    request: Request, service: Service, ticket: Ticket, source: Source, chosen: PathOptions
) -> Response:
    """Return the compressed ``source`` as a cacheable response, or 304 if the client has it.

    Raises:
        FoveateError: when the photo can't be compressed.
    """
    photo_options = chosen.choose_format(may_be_avif=accepts_avif(request.headers))
    upload = await create_upload(source.data, photo_options)
    # A copy in a cache must not outlive its URL.
    max_age_s = max(0, int(min(service.settings.fetch_max_age_s, chosen.remaining_s)))
    headers = {
        "Cache-Control": choose_cache_control(source.headers, max_age_s),
        "Vary": "Accept",
    }
    if changed := normalise_date(source.headers.get("last-modified", "")):
        headers["Last-Modified"] = changed
    if is_not_modified(request.headers, None, changed):
        return Response(status_code=304, headers=headers)
    for version in service.versions:
        tag = f'"{to_entity_tag(upload.identify(version), "image/jpeg", None)}"'
        if is_not_modified(request.headers, tag, changed):
            return Response(status_code=304, headers={**headers, "ETag": tag})
    outcome = await compress(service, upload, ticket, may_store=may_store(source.headers))
    service.metrics.observe_result(outcome.finished.result)
    request.state.stage_ms = outcome.stage_ms
    response = to_photo_response(outcome, "image/jpeg", None)
    response.headers.update(headers)
    ticket.hold(len(response.body))
    return response
