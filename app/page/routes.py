"""``GET /``, the web page, and its files under ``/page``.

The address of every file carries a tag of all their bytes, so browsers keep them for good and
never mix two releases; only the page itself is asked for each time.
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
from contract.images import MAX_SIDE_PX

PAGE: Final = Path(__file__).parent / "index.html"
SITE: Final = Path(__file__).parent / "site"
# Nothing runs, loads or connects but what this service itself sends; blob: is a photo's picture.
POLICY: Final = "; ".join(
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
SAFETY: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
FOR_GOOD: Final = "public, max-age=31536000, immutable"
ASK_EACH_TIME: Final = "no-cache"

router = APIRouter()


def tag_of(folder: Path) -> str:
    """Return a tag that changes when a file of ``folder`` does."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


TAG: Final = tag_of(SITE)


def render(max_upload_bytes: int, *, needs_key: bool) -> bytes:
    """Return the page with the addresses of its files and the service's settings."""
    modules = sorted(path.name for path in SITE.glob("*.js") if path.name != "main.js")
    # Modules are found one import at a time; said here, all of them load at once.
    preloads = "\n".join(
        f'  <link rel="modulepreload" href="/page/{TAG}/{name}">' for name in modules
    )
    page = PAGE.read_text(encoding="utf-8")
    for place, text in (
        ("@PRELOADS@", preloads),
        ("@TAG@", TAG),
        ("@MAX_UPLOAD_BYTES@", str(max_upload_bytes)),
        ("@NEEDS_KEY@", "true" if needs_key else "false"),
        ("@MAX_SIDE_PX@", str(MAX_SIDE_PX)),
    ):
        page = page.replace(place, text)
    return page.encode()


@router.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
async def page(request: Request, service: ServiceDependency) -> Response:
    """Return the page."""
    settings = service.settings
    body = render(settings.max_upload_bytes, needs_key=bool(settings.api_keys))
    headers = {
        **SAFETY,
        "Cache-Control": ASK_EACH_TIME,
        "ETag": f'"{hashlib.sha256(body).hexdigest()[:32]}"',
    }
    if is_not_modified(request.headers, headers["ETag"], ""):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="text/html")


class SiteFiles(StaticFiles):
    """The files, each with its ETag; kept for good under the tag of what is served now."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file, 304 or an error."""
        tag, _, name = path.partition("/")
        response = await super().get_response(name, scope)
        # Behind a load balancer another release may answer: right for this moment, not to be kept.
        response.headers["Cache-Control"] = FOR_GOOD if tag == TAG else ASK_EACH_TIME
        for header, value in SAFETY.items():
            response.headers[header] = value
        return response


def install(app: FastAPI) -> None:
    """Add the page to ``app``."""
    app.include_router(router)
    app.mount("/page", SiteFiles(directory=SITE), name="page")
