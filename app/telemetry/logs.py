"""The log of a front end, and one line for each request.

Lines carry no bytes of an upload, no query, no header except the request's id, and no URL of
/fetch. A path that matches no route is shortened and escaped.
"""

import logging
import time
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.settings import AppSettings
from app.telemetry.request_id import request_id
from contract.log_lines import create_formatter

log = logging.getLogger("app.requests")

MAX_PATH_CHARS: Final = 100


def log_config(settings: AppSettings, front_end: int = 0) -> dict[str, Any]:
    """Return the configuration of ``logging`` for a front end; lines go to standard error.

    If several front ends share a port, each line carries the number ``front_end``.
    """
    line = {
        "()": create_formatter,
        "kind": settings.log_format,
        "fields": {"front_end": front_end} if front_end else {},
        "context": describe_request,
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": line},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": settings.log_level},
        "loggers": {
            # At DEBUG httpcore2 would log headers and URLs.
            "httpcore2": {"level": "WARNING"},
            # It warns of every malformed form, which is the client's fault.
            "python_multipart": {"level": "ERROR"},
        },
    }


def describe_request() -> dict[str, str]:
    """Return the field that names the current request, none outside of requests."""
    return {"request_id": request_id.get()} if request_id.get() else {}


# Monitoring requests these paths every few seconds; a supervisor does so many times a second while
# the service starts.
PROBE_PATHS: Final = frozenset({"/livez", "/readyz", "/metrics"})


class RequestLogMiddleware:
    """Logs one line for each request when its response is sent or its client has disconnected."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle the request and count the bytes of its body and response."""
        if scope["type"] != "http" or not log.isEnabledFor(logging.INFO):
            await self._app(scope, receive, send)
            return
        started_s = time.perf_counter()
        line: dict[str, Any] = {"status": 0, "bytes_in": 0, "bytes_out": 0}

        async def counted_receive() -> Message:
            message = await receive()
            line["bytes_in"] += len(message.get("body", b""))
            return message

        async def counted_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                line["status"] = message["status"]
            elif message["type"] == "http.response.body":
                line["bytes_out"] += len(message.get("body", b""))
            await send(message)

        state = scope.setdefault("state", {})
        try:
            await self._app(scope, counted_receive, counted_send)
        finally:
            line["duration_ms"] = round(1e3 * (time.perf_counter() - started_s), 1)
            # A route that returns a photo stores the times of its stages in the request's state.
            if stage_ms := state.get("stage_ms"):
                line["stages_ms"] = {name: round(ms, 1) for name, ms in stage_ms.items()}
            fields = {"method": scope["method"][:16], "path": describe_path(scope), **line}
            level = logging.DEBUG if fields["path"] in PROBE_PATHS else logging.INFO
            log.log(level, "request", extra={"fields": fields})


def describe_path(scope: Scope) -> str:
    """Return the path template of the request's route.

    Without a route, return the path itself, shortened and escaped.
    """
    route = getattr(scope.get("route"), "path", None)
    return str(route or ascii(scope["path"][:MAX_PATH_CHARS])[1:-1])
