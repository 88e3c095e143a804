"""Log lines: JSON objects, or text for people, and one line for each request.

They carry no bytes of any upload, no query, no header but the request's id, and no URL of /fetch;
a path that matches no route is cut short and escaped.
"""

import json
import logging
import time
from datetime import UTC, datetime
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.settings import AppSettings
from app.telemetry.request_id import request_id

log = logging.getLogger("app.requests")

MAX_PATH_CHARS: Final = 100
# `json.dumps` would make an encoder for each line.
encode: Final = json.JSONEncoder(default=str).encode
# All that a terminal or a reader of lines could take for more than text.
CONTROLS: Final = {
    code: f"\\x{code:02x}" for code in (*range(10), *range(11, 32), *range(127, 160))
}


class JsonFormatter(logging.Formatter):
    """One object for each line; ASCII only, so whatever came from outside is escaped."""

    def __init__(self, front_end: int = 0) -> None:
        super().__init__()
        self._own = {"front_end": front_end} if front_end else {}

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        when = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, Any] = {
            "time": when.isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **self._own,
        }
        if request_id.get():
            line["request_id"] = request_id.get()
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return encode(line)


class TextFormatter(logging.Formatter):
    """A line for people; no second line begins like a first one, whatever an error's text says."""

    def __init__(self, front_end: int = 0) -> None:
        whose = f" [{front_end}]" if front_end else ""
        super().__init__(f"%(asctime)s{whose} %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and a traceback below it."""
        text = super().format(record)
        fields = dict(getattr(record, "fields", {}))
        if fields:
            text += "".join(f" {name}={json.dumps(value)}" for name, value in fields.items())
        if request_id.get():
            text += f" request_id={request_id.get()}"
        return text.translate(CONTROLS).replace("\n", "\n    ")


def log_config(settings: AppSettings, front_end: int = 0) -> dict[str, Any]:
    """Return the configuration of ``logging`` for a front end; lines go to standard error.

    Where there are several, ``front_end`` is the number that its lines carry.
    """
    formatter = JsonFormatter if settings.log_format == "json" else TextFormatter
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": formatter, "front_end": front_end}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": settings.log_level},
        "loggers": {
            # At DEBUG it would log headers and URLs.
            "httpcore2": {"level": "WARNING"},
        },
    }


# Asked every few seconds by whoever watches the service, and while it starts many times a second.
PROBES: Final = frozenset({"/livez", "/readyz", "/metrics"})


class RequestLogMiddleware:
    """Logs one line when a response has gone, or its client has."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and count what goes by."""
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
            # A route that returns a photo leaves the times of its stages here.
            if stage_ms := state.get("stage_ms"):
                line["stages_ms"] = {name: round(ms, 1) for name, ms in stage_ms.items()}
            fields = {"method": scope["method"][:16], "path": path_of(scope), **line}
            level = logging.DEBUG if fields["path"] in PROBES else logging.INFO
            log.log(level, "request", extra={"fields": fields})


def path_of(scope: Scope) -> str:
    """Return the route's path, with names where ids, signatures and URLs are; or what was asked."""
    route = getattr(scope.get("route"), "path", None)
    return str(route or ascii(scope["path"][:MAX_PATH_CHARS])[1:-1])
