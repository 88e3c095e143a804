"""Serves the web page at ``GET /``, and its files under ``/page``.

The URL of each file contains a digest of all files, so browsers cache files permanently and never
mix two releases. Only the page itself is revalidated each time (RFC 9111, 4.3). Its URLs are relative
to its own, so it works under any path prefix.
"""

import hashlib
from pathlib import Path
from typing import Final

from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app.http.conditional import is_not_modified
from app.http.dependencies import ServiceDependency
from app.presets import NO_PRESETS, Presets
from contract.images import MAX_SIDE_PX

PAGE: Final = Path(__file__).parent / "index.html"
SITE: Final = Path(__file__).parent / "site"
# Scripts, styles, images and requests are limited to this service; photos are shown from blob URLs.
CONTENT_SECURITY_POLICY: Final = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
CACHE_PERMANENTLY: Final = "public, max-age=31536000, immutable"
REVALIDATE: Final = "no-cache"

router = APIRouter()


def hash_folder(folder: Path) -> str:
    """Return 16 hexadecimal digits that change when a file in ``folder`` changes."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


TAG: Final = hash_folder(SITE)


def render(max_upload_bytes: int, *, needs_key: bool, presets: Presets = NO_PRESETS) -> bytes:
    """Return the page with the URLs of its files and the service's settings filled in."""
    # A preset's name is a word, so it needs no escapes.
    choices = [f'<option value="{name}">{name}</option>' for name in presets.names]
    if not presets.only:
        choices.insert(0, '<option value="" selected>none</option>')
    modules = sorted(path.name for path in SITE.glob("*.js") if path.name != "main.js")
    # Browsers discover modules one import at a time; preloads make them load in parallel.
    preloads = "\n".join(
        f'  <link rel="modulepreload" href="page/{TAG}/{name}">' for name in modules
    )
    page = PAGE.read_text(encoding="utf-8")
    for placeholder, text in (
        ("@PRELOADS@", preloads),
        ("@TAG@", TAG),
        ("@MAX_UPLOAD_BYTES@", str(max_upload_bytes)),
        ("@NEEDS_KEY@", "true" if needs_key else "false"),
        ("@PRESETS_HIDDEN@", "" if presets.names else "hidden"),
        ("@PRESETS@", "".join(choices)),
        ("@MAX_SIDE_PX@", str(MAX_SIDE_PX)),
    ):
        page = page.replace(placeholder, text)
    return page.encode()


@router.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
async def page(request: Request, service: ServiceDependency) -> Response:
    """Return the page."""
    settings = service.settings
    body = render(
        settings.max_upload_bytes, needs_key=bool(settings.api_keys), presets=service.presets
    )
    headers = {
        **SECURITY_HEADERS,
        "Cache-Control": REVALIDATE,
        "ETag": f'"{hashlib.sha256(body).hexdigest()[:32]}"',
    }
    if is_not_modified(request.headers, headers["ETag"], ""):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="text/html")


class SiteFiles(StaticFiles):
    """The files of the page; cached permanently only under the current tag."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file, 304, or an error."""
        tag, _, name = path.partition("/")
        response = await super().get_response(name, scope)
        # Behind a load balancer the page may be of another release: its files must not be cached here.
        response.headers["Cache-Control"] = CACHE_PERMANENTLY if tag == TAG else REVALIDATE
        for header, value in SECURITY_HEADERS.items():
            response.headers[header] = value
        return response


def install(app: FastAPI) -> None:
    """Add the page to ``app``."""
    app.include_router(router)
    app.mount("/page", SiteFiles(directory=SITE), name="page")
