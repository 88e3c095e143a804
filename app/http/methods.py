"""Which methods each path has: what ``OPTIONS`` and a 405 say (RFC 9110, 9.3.7 and 15.5.6)."""

from collections.abc import Iterable

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send


class RemainingMethods:
    """Responds to every method of a path that has no route."""

    def __init__(self, methods: set[str]) -> None:
        self._headers = {"Allow": ", ".join(sorted(methods))}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Tell the path's methods to ``OPTIONS``, refuse everything else."""
        if scope["method"] != "OPTIONS":
            raise HTTPException(405, headers=self._headers)
        await Response(status_code=204, headers=self._headers)(scope, receive, send)


def remaining_methods(routers: Iterable[APIRouter]) -> list[Route]:
    """Return a route for each path of ``routers``, to stand behind all others.

    A path whose methods are routes of their own would otherwise name only one of them in a 405.
    """
    methods: dict[str, set[str]] = {}
    for router in routers:
        for route in router.routes:
            if isinstance(route, Route):
                methods.setdefault(route.path, {"OPTIONS"}).update(route.methods or ())
    return [Route(path, RemainingMethods(allowed)) for path, allowed in methods.items()]
