"""Answers what no route has caught, inside of the middlewares: their headers hold for it too."""

import logging

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.http.problems import to_response
from contract.errors import InternalError

log = logging.getLogger(__name__)


class DefectMiddleware:
    """Makes a problem document of an exception.

    Starlette has a handler for these, but outside of every middleware: its answers would have no
    request id, no security headers and nothing that lets a page of another origin read them.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception:  # whatever it is, the client gets an answer
            log.exception("defect")
            if started:  # too late for a status: the server breaks the connection off
                raise
            await to_response(InternalError("An unexpected error; it has been logged."))(
                scope, receive, send
            )
