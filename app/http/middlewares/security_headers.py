"""Response headers that restrict what browsers and caches may do with a response."""

import http
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

# For photos, problem documents and JSON: opened as a page they load and run nothing.
NOTHING: Final = "default-src 'none'; frame-ancestors 'none'"
PAGE: Final = (
    "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
# Swagger UI needs its inline script and inline styles. The page contains nothing from users.
DOCS: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
DOCS_PATHS: Final = frozenset({"/docs", "/docs/oauth2-redirect"})


class SecurityHeadersMiddleware:
    """Adds the headers that a route has not set. ``timing_origins`` may read ``Server-Timing``."""

    def __init__(self, app: ASGIApp, timing_origins: tuple[str, ...] = ()) -> None:
        self._app = app
        self._timing_origins = ", ".join(timing_origins).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; add headers to its response."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        path = scope["path"]  # routes may change it

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = dict(message["headers"])
                added = {b"x-content-type-options": b"nosniff", b"referrer-policy": b"no-referrer"}
                # A 304 has no media type to choose by, and its headers replace those of the copy.
                if message["status"] != http.HTTPStatus.NOT_MODIFIED:
                    media_type = given.get(b"content-type", b"").decode("latin-1")
                    added[b"content-security-policy"] = choose_policy(path, media_type).encode()
                if message["status"] >= 400:
                    # Without Cache-Control, caches may store some error statuses.
                    added[b"cache-control"] = b"no-store"
                if self._timing_origins:
                    added[b"timing-allow-origin"] = self._timing_origins
                message["headers"] = [
                    *message["headers"],
                    *((name, value) for name, value in added.items() if name not in given),
                ]
            await send(message)

        await self._app(scope, receive, send_with_headers)


def choose_policy(path: str, content_type: str) -> str:
    """Return the Content-Security-Policy of a response."""
    if path in DOCS_PATHS:
        return DOCS
    return PAGE if content_type.startswith("text/html") else NOTHING
