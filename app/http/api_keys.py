"""API keys: without one of those configured, a request goes no further (RFC 6750)."""

import hashlib
import hmac
from collections.abc import Iterable
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from app.http.problems import to_response
from contract.errors import MissingKeyError

# Open to everyone: health, the page and its files, the description of the interface; and /fetch,
# whose URLs are signed. Every other path needs a key, those included that are added later.
OPEN_PATHS: Final = frozenset(
    {"/", "/livez", "/readyz", "/docs", "/openapi.json", "/favicon.ico", "/robots.txt"}
)
OPEN_FOLDERS: Final = ("/docs/", "/page/", "/fetch/")


class ApiKeyMiddleware:
    """Refuses requests without a key, before their body is read."""

    def __init__(self, app: ASGIApp, keys: Iterable[str]) -> None:
        self._app = app
        # Digests are of one length, so that comparing them tells nothing about a key's.
        self._digests = [hashlib.sha256(key.encode()).digest() for key in keys]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or respond with 401."""
        if scope["type"] != "http" or is_open(scope["path"]):
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).getlist("authorization")
        if len(given) == 1 and self._knows(given[0]):
            await self._app(scope, receive, send)
            return
        error = MissingKeyError("Send a key as 'Authorization: Bearer KEY'.")
        challenge = 'Bearer realm="foveate"' + (', error="invalid_token"' if given else "")
        # The body isn't read, so nothing more can follow on this connection.
        headers = {"WWW-Authenticate": challenge, "Connection": "close"}
        await to_response(error, headers)(scope, receive, send)

    def _knows(self, authorization: str) -> bool:
        scheme, _, key = authorization.partition(" ")
        digest = hashlib.sha256(key.strip().encode("latin-1")).digest()
        # Each is compared, also after one has fit: time tells nothing of which it was.
        fits = [hmac.compare_digest(digest, known) for known in self._digests]
        return scheme.lower() == "bearer" and any(fits)


def is_open(path: str) -> bool:
    """Return whether ``path`` needs no key."""
    return path in OPEN_PATHS or path.startswith(OPEN_FOLDERS)
