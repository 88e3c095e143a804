"""``GET /fetch/{signature}/{options}/{url}``: a photo from elsewhere, compressed, for CDNs."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.http.conditional import cache_control, http_date, is_not_modified
from app.http.dependencies import ServiceDependency
from app.http.disconnect import CLIENT_CLOSED_REQUEST, cancel_on_disconnect
from app.http.problems import MEDIA_TYPE
from app.http.responses import tag_of, to_photo_response
from app.path_options import parse_path_options
from app.service.compression import compress, receive
from app.service.front_end import Service
from app.sources.client import Source, Upstream
from app.sources.signature import verify
from app.sources.source_url import parse_source_url
from contract.errors import MalformedRequestError
from contract.messages import Options

router = APIRouter()

PATH = "/fetch/{signature}/{options}/{url:path}"


def describe_problems() -> dict[int | str, dict[str, Any]]:
    """Return what OpenAPI says of the errors."""
    content = {MEDIA_TYPE: {"schema": {"type": "object"}}}
    described = {
        400: "No absolute URL, or a query beside the path",
        403: "A wrong signature, or a source that nothing is fetched from",
        404: "Without keys and hosts in the settings there is no such path",
        413: "The source has too many bytes or pixels",
        415: "The source is not an image that is read here",
        422: "Invalid option, truncated or corrupt image, or `max_bytes` out of reach",
        429: "Too many uploads are waiting",
        502: "The source failed",
        503: "No worker, or the queue is not available",
        504: "The source took too long, or the deadline has passed",
    }
    return {status: {"description": text, "content": content} for status, text in described.items()}


@router.head(PATH, include_in_schema=False)
@router.get(
    PATH,
    summary="Compress a photo from elsewhere; the response can be cached",
    response_class=Response,
    responses={
        200: {"description": "The JPEG", "content": {"image/jpeg": {}}},
        304: {"description": "What the cache has is still right"},
        **describe_problems(),
    },
)
async def fetch(
    request: Request, signature: str, options: str, url: str, service: ServiceDependency
) -> Response:
    """Sign `options/url` with a key of the service (HMAC-SHA256, base64url).

    `options` are those of POST /compress as `name=value`, with commas between, or `-` for none;
    `url` is percent-encoded.
    """
    request.state.count_status = service.metrics.fetches
    return await respond(request, service, signature, options, url)


async def respond(
    request: Request, service: Service, signature: str, options: str, url: str
) -> Response:
    """Return the response to one request.

    Raises:
        FoveateError: when there is none.
    """
    settings = service.settings
    # Before anything else: who has no key learns nothing, and makes us connect to nobody.
    verify(
        (key.get_secret_value().encode() for key in settings.fetch_keys), signature, options, url
    )
    if request.url.query:
        raise MalformedRequestError("The options stand in the path; there is no query here.")
    wanted = parse_path_options(options)
    source_url = parse_source_url(url)
    upstream: Upstream = request.app.state.upstream
    with service.admission.admit() as ticket:
        source = await upstream.fetch(source_url, ticket.allocate)
        return await compress_source(request, service, source, wanted)


async def compress_source(
    request: Request, service: Service, source: Source, options: Options
) -> Response:
    """Return the compressed ``source`` as a cacheable response, or 304 where the client has it."""
    upload = await receive(source.data, options)
    headers = {
        "Cache-Control": cache_control(source.cache_control, service.settings.fetch_max_age_s),
        "Vary": "Accept",
    }
    if changed := http_date(source.last_modified):
        headers["Last-Modified"] = changed
    if is_not_modified(request.headers, None, changed):
        return Response(status_code=304, headers=headers)
    for version in service.versions:
        tag = f'"{tag_of(upload.identify(version), "image/jpeg", None)}"'
        if is_not_modified(request.headers, tag, changed):
            return Response(status_code=304, headers={**headers, "ETag": tag})
    outcome = await cancel_on_disconnect(request, compress(service, upload))
    if outcome is None:
        return Response(status_code=CLIENT_CLOSED_REQUEST)
    service.metrics.observe_result(outcome.finished.result)
    request.state.stage_ms = outcome.stage_ms
    response = to_photo_response(outcome, "image/jpeg", None)
    response.headers.update(headers)
    return response
