"""The headers of the interface: one list for OpenAPI, CORS and docs/api.md."""

from collections.abc import Iterable
from typing import Any, Final

REQUEST_HEADERS: Final = {
    "Accept": "Media type of the response: `image/*`, `multipart/mixed` or `application/json`",
    "Authorization": "`Bearer` and a key, if the service has API keys",
    "Cache-Control": "`no-cache`: use no cached result; `no-store`: also cache no result",
    "Content-Type": "`multipart/form-data` for a form; any other type for a photo's bytes",
    "If-Modified-Since": "304 if the source has not been modified since this date",
    "If-None-Match": "`ETag` of an earlier response; 304 if the response would be the same",
    "Last-Event-ID": "Sent by an `EventSource` that reconnects; ignored",
    "Prefer": "`respond-async`: respond with 202 and the job's path at once",
    "traceparent": "Parent of the request's span, if the service sends traces (W3C Trace Context)",
    "tracestate": "Belongs to `traceparent`",
    "X-Request-ID": "Id of the request: 8 to 64 letters, digits, `.`, `_` or `-`",
}
RESPONSE_HEADERS: Final = {
    "Allow": "The methods of the path",
    "Content-Location": "The path of the job that the JSON describes",
    "ETag": "Strong; identifies the upload, the options and the version",
    "Link": "The heatmap's path",
    "Location": "The job's path",
    "Preference-Applied": "`respond-async` if the response is 202",
    "Retry-After": "Seconds after which the request may succeed",
    "Server-Timing": "Milliseconds of queue, decode, predict and encode",
    "WWW-Authenticate": "`Bearer` if a key is missing",
    "X-Compressed-Bytes": "Size of the file",
    "X-Crop": "What `fit=cover` kept: x, y, width and height in shares of the upright photo's sides",
    "X-Focus": "The point of the photo to keep in view: x and y in shares of its sides",
    "X-Original-Bytes": "Size of the upload",
    "X-Passthrough": "`true` if the file is the upload, byte for byte",
    "X-Reference-Bytes": "Size of the standard JPEG at `quality`",
    "X-Request-ID": "Id of the request: the client's if it is valid, else a new one",
}


def describe_request_headers(names: Iterable[str]) -> list[dict[str, Any]]:
    """Return OpenAPI's descriptions of request headers.

    OpenAPI ignores Accept, Authorization and Content-Type among them.
    """
    return [
        {
            "name": name,
            "in": "header",
            "required": False,
            "description": REQUEST_HEADERS[name],
            "schema": {"type": "string"},
        }
        for name in names
    ]


def describe_response_headers(names: Iterable[str]) -> dict[str, Any]:
    """Return OpenAPI's descriptions of response headers, by name."""
    return {
        name: {"description": RESPONSE_HEADERS[name], "schema": {"type": "string"}}
        for name in names
    }
