"""Errors as problem documents (RFC 9457), and the one middleware that maps exceptions to them."""

import http
import logging
import time
from contextlib import ExitStack
from typing import Any, Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contract.errors import FoveateError, InternalError, InvalidOptionError

log = logging.getLogger(__name__)

# Statuses of errors that can come before the end of the body.
CLOSING: Final = frozenset(
    {http.HTTPStatus.REQUEST_TIMEOUT, http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE}
)

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:foveate:problem:"


def to_response(
    error: FoveateError,
    headers: dict[str, str] | None = None,
    members: dict[str, Any] | None = None,
) -> Response:
    """Return the problem document of an error, with ``headers`` and extension ``members`` added."""
    headers = dict(headers or {})
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(error.retry_after_s)
    if error.status in CLOSING:
        # The rest of the body is not read, so the connection can't be reused.
        headers["Connection"] = "close"
    document = to_document(error.status, error.code, error.title, error.detail) | (members or {})
    return JSONResponse(document, error.status, headers, MEDIA_TYPE)


def to_problem(
    status: int, code: str, title: str, detail: str, headers: dict[str, str] | None = None
) -> Response:
    """Return a response with a problem document; ``code`` determines its stable ``type``."""
    return JSONResponse(to_document(status, code, title, detail), status, headers, MEDIA_TYPE)


def to_document(status: int, code: str, title: str, detail: str) -> dict[str, str | int]:
    """Return the members of a problem document (RFC 9457, 3.1)."""
    return {"type": TYPE_PREFIX + code, "title": title, "status": status, "detail": detail}


def to_examples(*errors: FoveateError) -> dict[str, dict[str, object]]:
    """Return OpenAPI examples of errors, by code."""
    return {
        error.code: {"value": to_document(error.status, error.code, error.title, error.detail)}
        for error in errors
    }


def install(app: FastAPI) -> None:
    """Convert the errors that FastAPI and Starlette raise themselves."""

    @app.exception_handler(RequestValidationError)
    async def on_invalid(_: Request, error: RequestValidationError) -> Response:
        raise InvalidOptionError(
            f"The request has {len(error.errors())} invalid parameters."
        ) from error

    @app.exception_handler(HTTPException)
    async def on_http_error(_: Request, error: HTTPException) -> Response:
        phrase = http.HTTPStatus(error.status_code).phrase
        code = phrase.lower().replace(" ", "-")
        return to_problem(error.status_code, code, phrase, phrase, dict(error.headers or {}))


class ErrorMiddleware:
    """Converts every exception of a route to a problem document, and counts responses and errors.

    A route puts what it holds until its response has been written into ``request.state.held``.
    It must be the innermost middleware, so that the others add their headers to errors as well.
    Starlette's own handler for unexpected exceptions runs outside all middlewares.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; respond with a problem document if it raises."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        with ExitStack() as held:
            state["held"] = held
            await self._respond(scope, receive, send, state)

    async def _respond(
        self, scope: Scope, receive: Receive, send: Send, state: dict[str, Any]
    ) -> None:
        started = False
        began_s = time.perf_counter()

        async def send_counted(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                # Set by routes whose responses are counted.
                if counter := state.get("count_status"):
                    counter.labels(str(message["status"])).inc()
                if observe_s := state.get("observe_s"):
                    observe_s(time.perf_counter() - began_s)
            await send(message)

        try:
            await self._app(scope, receive, send_counted)
        except Exception as error:
            if isinstance(error, FoveateError):
                known = error
            else:
                log.exception("unexpected error")
                known = InternalError("An unexpected error occurred and was logged.")
            # The service exists only after the application has started.
            if service := getattr(scope["app"].state, "service", None):
                service.metrics.errors.labels(known.code).inc()
            if started:  # too late for another status: the server closes the connection
                raise
            await to_response(known)(scope, receive, send_counted)
