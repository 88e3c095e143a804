"""The page's routes: addresses, caching, what the form says of the options."""

import asyncio
import re

import httpx
import pytest

from app.main import create_app
from app.options import CompressOptions
from app.page.routes import PAGE, SITE, TAG
from app.service.front_end import Service
from app.settings import AppSettings

PAGE_TEXT = PAGE.read_text(encoding="utf-8")


def ask(
    path: str, method: str = "GET", headers: dict[str, str] | None = None, **settings: int
) -> httpx.Response:
    """Return the front end's answer; neither Redis nor a worker is needed for the page."""

    async def send() -> httpx.Response:
        app = create_app()
        app.state.service = Service(AppSettings(**settings))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, path, headers=headers)

    return asyncio.run(send())


def test_the_page_is_checked_each_time_and_sent_once() -> None:
    first = ask("/")
    assert first.status_code == 200
    assert first.headers["content-type"] == "text/html; charset=utf-8"
    assert first.headers["cache-control"] == "no-cache"
    assert "@" not in re.sub(r"\s@media", "", first.text)
    again = ask("/", headers={"If-None-Match": f'"other", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    for header in ("etag", "content-security-policy"):  # a 304's replace what was kept
        assert again.headers[header] == first.headers[header]
    changed = ask("/", headers={"If-None-Match": first.headers["etag"]}, max_upload_bytes=1234)
    assert changed.status_code == 200
    assert 'data-max-upload-bytes="1234"' in changed.text
    head = ask("/", "HEAD")
    assert (head.status_code, head.content) == (200, b"")


def test_every_file_that_the_page_names_is_there_and_kept_for_good() -> None:
    addresses = set(re.findall(r'(?:href|src)="(/page/[^"]+)"', ask("/").text))
    assert {address.rsplit("/", 1)[1] for address in addresses} == {
        path.name for path in SITE.iterdir()
    }
    for address in addresses:
        response = ask(address)
        assert response.status_code == 200, address
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert response.headers["x-content-type-options"] == "nosniff"
        again = ask(address, headers={"If-None-Match": response.headers["etag"]})
        assert again.status_code == 304


def test_another_releases_address_is_answered_and_not_kept() -> None:
    response = ask("/page/0123456789abcdef/main.js")
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        f"/page/{TAG}/none.js",
        f"/page/{TAG}/",
        "/page/",
        f"/page/{TAG}/../index.html",
        f"/page/{TAG}/%2e%2e/routes.py",
        f"/page/{TAG}/..%2f..%2fmain.py",
        f"/page/{TAG}//etc/passwd",
        f"/page/{TAG}/main.js%00",
    ],
)
def test_what_is_no_file_of_the_page_is_404(path: str) -> None:
    response = ask(path)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


def test_nothing_in_the_page_is_inline_or_elsewhere() -> None:
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", PAGE_TEXT)
    assert not re.search(r"<script(?![^>]*\ssrc=)", PAGE_TEXT)
    for path in (PAGE, *SITE.iterdir()):
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|url\(\s*['\"]?//", text), path


def test_the_form_starts_with_the_services_defaults() -> None:
    defaults = CompressOptions()
    for name in ("quality", "strength"):
        tag = re.search(rf'<input [^>]*name="{name}"[^>]*>', PAGE_TEXT)
        assert tag
        assert f'value="{getattr(defaults, name)}"' in tag.group()
    assert re.search(rf'name="target" value="{defaults.target}" checked', PAGE_TEXT)
    for choice in (defaults.subsampling, defaults.metadata):
        assert f'<option value="{choice}" selected>' in PAGE_TEXT
    assert ('name="progressive" checked' in PAGE_TEXT) == defaults.progressive
    assert {defaults.floor, defaults.max_bytes, defaults.width, defaults.height} == {None}


def test_the_form_has_every_option() -> None:
    named = set(re.findall(r'<(?:input|select) [^>]*name="(\w+)"', PAGE_TEXT))
    # The map is always asked for, since the page shows it; people think in kilobytes.
    assert set(CompressOptions.model_fields) - named == {"heatmap", "max_bytes"}
    assert "max_kilobytes" in named
