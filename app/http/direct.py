"""The way of ``POST /compress`` past FastAPI's routing.

FastAPI matches routes, opens exit stacks and solves dependencies; the handler needs none of it, for
it reads query, headers and body itself. Its route is what OpenAPI describes, and answers whatever
comes here by another name.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.service.front_end import Service

PATH: Final = "/compress"

Handler = Callable[[Request, Service], Awaitable[Response]]


class DirectMiddleware:
    """The innermost one, so that all others hold for these requests as well."""

    def __init__(self, app: ASGIApp, handler: Handler) -> None:
        self._app = app
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a photo, pass on everything else."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        response = await self._handler(Request(scope, receive), scope["app"].state.service)
        await response(scope, receive, send)
