"""The id of each request: its client's ``X-Request-ID`` if that is well-formed, else a new one."""

import secrets
from contextvars import ContextVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contract.origin import REQUEST_ID

HEADER = b"x-request-id"

# The id of the current request; log lines carry it.
request_id: ContextVar[str] = ContextVar("request_id", default="")


class RequestIdMiddleware:
    """Sets the id of the current request and returns it in the response.

    Starlette's ``BaseHTTPMiddleware`` would add a task and a buffer to each request.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle the request, and add its id to the response's headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        chosen = choose_id(
            [value.decode("latin-1") for name, value in scope["headers"] if name == HEADER]
        )

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (HEADER, chosen.encode())]
            await send(message)

        token = request_id.set(chosen)
        try:
            await self._app(scope, receive, send_with_id)
        finally:
            request_id.reset(token)


def choose_id(given: list[str]) -> str:
    """Return the only id in ``given`` if it is well-formed, else a new one of 16 hex digits."""
    if len(given) == 1 and REQUEST_ID.fullmatch(given[0]):
        return given[0]
    return secrets.token_hex(8)
