"""Errors as problem details (RFC 9457), and the one middleware that maps exceptions to them."""

import http
import logging

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contract.errors import DeadlineError, FoveateError, InternalError, InvalidOptionError

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:foveate:problem:"


def to_response(error: FoveateError, headers: dict[str, str] | None = None) -> Response:
    """Return the problem document of an error, with ``headers`` added."""
    headers = dict(headers or {})
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
    """Make problem documents of the errors that FastAPI and Starlette raise themselves."""

    @app.exception_handler(RequestValidationError)
    async def on_invalid(_: Request, error: RequestValidationError) -> Response:
        raise InvalidOptionError(f"{len(error.errors())} invalid parameters.") from error

    @app.exception_handler(HTTPException)
    async def on_http_error(_: Request, error: HTTPException) -> Response:
        phrase = http.HTTPStatus(error.status_code).phrase
        code = phrase.lower().replace(" ", "-")
        return problem(error.status_code, code, phrase, phrase, dict(error.headers or {}))


class ErrorMiddleware:
    """Turns every exception of a route into a problem document, and counts it.

    It is the innermost middleware, so that request id, security and CORS headers apply to errors as
    well. Starlette's own handler for unexpected exceptions runs outside of all middlewares.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        started = False

        async def send_counted(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                # A route whose responses are counted has named its counter.
                if counter := state.get("count_status"):
                    counter.labels(str(message["status"])).inc()
            await send(message)

        try:
            await self._app(scope, receive, send_counted)
        except Exception as error:
            if isinstance(error, FoveateError):
                known = error
            else:
                log.exception("unexpected error")
                known = InternalError("An unexpected error; it has been logged.")
            # There is no service before the application has started.
            if service := getattr(scope["app"].state, "service", None):
                service.metrics.errors.labels(known.code).inc()
            if started:  # too late for a status: the server closes the connection
                raise
            await to_response(known)(scope, receive, send_counted)
