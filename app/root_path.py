"""The path prefix under which clients see the service, if a proxy removes it.

Routes set ``root_path`` before their links. It is ``ROOT_PATH``, or the ``X-Forwarded-Prefix`` of a
proxy in ``FORWARDED_ALLOW_IPS``.
"""

from typing import Any, Final

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app.setting_types import parse_root_path

HEADER: Final = b"x-forwarded-prefix"
STATE: Final = "forwarded_prefix"


class ForwardedHeadersMiddleware:
    """uvicorn's own middleware for proxies, which also accepts ``X-Forwarded-Prefix``.

    It must be outside of everything that sees the client's address, which is the proxy's until then.
    """

    def __init__(self, app: Any, trusted_hosts: str) -> None:
        self._app = ProxyHeadersMiddleware(app, trusted_hosts)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass the request on with what its proxy says about it."""
        if scope["type"] == "http":
            client = scope.get("client")
            if (client[0] if client else None) in self._app.trusted_hosts:
                prefix = read_prefix(scope["headers"])
                if prefix is not None:
                    scope.setdefault("state", {})[STATE] = prefix
        await self._app(scope, receive, send)


def read_prefix(headers: list[tuple[bytes, bytes]]) -> str | None:
    """Return the prefix in a request's headers; None without one, or if it is invalid or repeated."""
    values = [value for name, value in headers if name == HEADER]
    if len(values) != 1:
        return None
    try:
        return parse_root_path(values[0].decode("latin-1").strip())
    except ValueError:
        return None


class RootPathMiddleware:
    """Puts the prefix into ``root_path`` and before the path, as ASGI requires.

    It must be the innermost middleware: the others compare paths without a prefix.
    """

    def __init__(self, app: ASGIApp, root_path: str) -> None:
        self._app = app
        self._root_path = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] == "http" and scope["path"].startswith("/"):
            prefix = scope.get("state", {}).get(STATE, self._root_path)
            scope["root_path"] = prefix + scope.get("root_path", "")
            scope["path"] = prefix + scope["path"]
        await self._app(scope, receive, send)
