"""API keys as bearer tokens (RFC 6750): requests without a valid key are refused."""

import hashlib
import hmac
from collections.abc import Iterable
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from app.http.problems import to_response
from contract.errors import MissingKeyError

# Open without a key: health, the page and its files, the API's description, and /fetch, whose URLs
# are signed. Every other path needs a key, so a new route is protected by default.
OPEN_PATHS: Final = frozenset(
    {"/", "/livez", "/readyz", "/docs", "/openapi.json", "/favicon.ico", "/robots.txt"}
)
OPEN_FOLDERS: Final = ("/docs/", "/page/", "/fetch/")


class ApiKeyMiddleware:
    """Refuses requests without a valid key, before their body is read."""

    def __init__(self, app: ASGIApp, keys: Iterable[str]) -> None:
        self._app = app
        # Digests have equal lengths, so the time of a comparison reveals no key's length.
        self._digests = [hashlib.sha256(key.encode()).digest() for key in keys]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or respond with 401."""
        if scope["type"] != "http" or is_open(scope["path"]):
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).getlist("authorization")
        digest = self._find(given[0]) if len(given) == 1 else None
        if digest is not None:
            # The limits of a key go by it.
            scope.setdefault("state", {})["api_key"] = digest.hex()
            await self._app(scope, receive, send)
            return
        error = MissingKeyError("Send a key as 'Authorization: Bearer KEY'.")
        challenge = 'Bearer realm="foveate"' + (', error="invalid_token"' if given else "")
        # The body is not read, so the connection can't be reused.
        headers = {"WWW-Authenticate": challenge, "Connection": "close"}
        await to_response(error, headers)(scope, receive, send)

    def _find(self, authorization: str) -> bytes | None:
        """Return the digest of the key if it is a valid one."""
        scheme, _, key = authorization.partition(" ")
        digest = hashlib.sha256(key.strip().encode("latin-1")).digest()
        # Compare with all keys, also after a match: the time must not reveal which one matched.
        matches = [hmac.compare_digest(digest, known) for known in self._digests]
        return digest if scheme.lower() == "bearer" and any(matches) else None


def is_open(path: str) -> bool:
    """Return whether ``path`` needs no key."""
    return path in OPEN_PATHS or path.startswith(OPEN_FOLDERS)
