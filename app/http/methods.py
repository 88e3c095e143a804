"""The methods of each path, for ``OPTIONS`` and 405 (RFC 9110, 9.3.7 and 15.5.6)."""

from collections.abc import Iterable

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send


class OtherMethods:
    """Responds to all methods of a path that have no route."""

    def __init__(self, methods: set[str]) -> None:
        self._headers = {"Allow": ", ".join(sorted(methods))}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to ``OPTIONS`` with the path's methods, to other methods with 405."""
        if scope["method"] != "OPTIONS":
            raise HTTPException(405, headers=self._headers)
        await Response(status_code=204, headers=self._headers)(scope, receive, send)


def create_fallback_routes(routers: Iterable[APIRouter]) -> list[Route]:
    """Return a route for each path of ``routers``; they must come after all others.

    Without them a 405 would name the methods of the path's first route only.
    """
    methods: dict[str, set[str]] = {}
    for router in routers:
        for route in router.routes:
            if isinstance(route, Route):
                methods.setdefault(route.path, {"OPTIONS"}).update(route.methods or ())
    return [Route(path, OtherMethods(allowed)) for path, allowed in methods.items()]
