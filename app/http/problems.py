"""Errors as RFC 9457 problem details."""

import http
import logging

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from contract.errors import DeadlineError, FoveateError, InternalError, InvalidOptionError

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:foveate:problem:"


def to_response(error: FoveateError) -> Response:
    """Return an error as its answer."""
    headers: dict[str, str] = {}
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(error.retry_after_s)
    if error.status == http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE or isinstance(error, DeadlineError):
        # The rest of the body is not read, so nothing more can follow on this connection.
        headers["Connection"] = "close"
    return problem(error.status, error.code, error.title, error.detail, headers)


def problem(
    status: int, code: str, title: str, detail: str, headers: dict[str, str] | None = None
) -> Response:
    """Return a problem document with a stable ``type`` of its own for each ``code``."""
    return JSONResponse(document(status, code, title, detail), status, headers, MEDIA_TYPE)


def document(status: int, code: str, title: str, detail: str) -> dict[str, str | int]:
    """Return the members of a problem document (RFC 9457, 3.1)."""
    return {"type": TYPE_PREFIX + code, "title": title, "status": status, "detail": detail}


def examples(*errors: FoveateError) -> dict[str, dict[str, object]]:
    """Return errors by their codes as OpenAPI shows examples."""
    return {
        error.code: {"value": document(error.status, error.code, error.title, error.detail)}
        for error in errors
    }


def install(app: FastAPI) -> None:
    """Make every error of ``app`` a problem document."""

    @app.exception_handler(FoveateError)
    async def on_foveate_error(_: Request, error: FoveateError) -> Response:
        return to_response(error)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(_: Request, error: RequestValidationError) -> Response:
        return to_response(InvalidOptionError(f"{len(error.errors())} invalid parameters."))

    @app.exception_handler(HTTPException)
    async def on_http_error(_: Request, error: HTTPException) -> Response:
        phrase = http.HTTPStatus(error.status_code).phrase
        code = phrase.lower().replace(" ", "-")
        return problem(error.status_code, code, phrase, phrase, dict(error.headers or {}))

    @app.exception_handler(Exception)
    async def on_defect(_: Request, error: Exception) -> Response:
        log.error("defect", exc_info=error)
        return to_response(InternalError("An unexpected error; it has been logged."))
