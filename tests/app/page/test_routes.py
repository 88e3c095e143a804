"""The routes of the page, their caching, and the options in its form."""

import asyncio
import functools
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.main import create_app
from app.options import CompressOptions
from app.page.routes import PAGE, SITE, TAG, hash_folder
from app.service.front_end import Service
from app.settings import AppSettings

PAGE_TEXT = PAGE.read_text(encoding="utf-8")


@functools.cache
def make_app(**settings: Any) -> FastAPI:
    """Return a front end that is not connected to Redis."""
    app = create_app()
    app.state.service = Service(AppSettings(**settings))
    return app


def request(
    path: str, method: str = "GET", headers: dict[str, str] | None = None, **settings: Any
) -> httpx.Response:
    """Return the front end's response; the page needs neither Redis nor a worker."""

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(make_app(**settings), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, path, headers=headers)

    return asyncio.run(send())


def test_the_page_is_revalidated_each_time() -> None:
    first = request("/")
    assert first.status_code == 200
    assert first.headers["content-type"] == "text/html; charset=utf-8"
    assert first.headers["cache-control"] == "no-cache"
    assert "@" not in re.sub(r"\s@media", "", first.text)
    again = request("/", headers={"If-None-Match": f'"other", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    for header in ("etag", "content-security-policy"):  # those of a 304 replace the cached ones
        assert again.headers[header] == first.headers[header]
    changed = request("/", headers={"If-None-Match": first.headers["etag"]}, max_upload_bytes=1234)
    assert changed.status_code == 200
    assert 'data-max-upload-bytes="1234"' in changed.text
    head = request("/", "HEAD")
    assert (head.status_code, head.content) == (200, b"")


def test_every_file_of_the_page_exists_and_is_cached_permanently() -> None:
    urls = set(re.findall(r'(?:href|src)="(page/[^"]+)"', request("/").text))
    assert {url.rsplit("/", 1)[1] for url in urls} == {path.name for path in SITE.iterdir()}
    for url in urls:
        response = request(f"/{url}")
        assert response.status_code == 200, url
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert response.headers["x-content-type-options"] == "nosniff"
        again = request(f"/{url}", headers={"If-None-Match": response.headers["etag"]})
        assert again.status_code == 304


def test_a_file_under_the_tag_of_another_release_is_not_cached() -> None:
    response = request("/page/0123456789abcdef/main.js")
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
def test_other_paths_are_404(path: str) -> None:
    response = request(path)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


def test_the_page_has_no_inline_code_and_no_other_hosts() -> None:
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", PAGE_TEXT)
    assert not re.search(r"<script(?![^>]*\ssrc=)", PAGE_TEXT)
    for path in (PAGE, *SITE.iterdir()):
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|url\(\s*['\"]?//", text), path


def test_the_form_has_the_defaults_of_the_service() -> None:
    defaults = CompressOptions()
    for name in ("quality", "strength"):
        tag = re.search(rf'<input [^>]*name="{name}"[^>]*>', PAGE_TEXT)
        assert tag
        assert f'value="{getattr(defaults, name)}"' in tag.group()
    assert re.search(rf'name="target" value="{defaults.target}" checked', PAGE_TEXT)
    for name in ("tune", "subsampling", "metadata", "fit", "gravity"):
        choice = getattr(defaults, name)
        assert f'<option value="{choice}" selected>' in PAGE_TEXT
    assert ('name="progressive" checked' in PAGE_TEXT) == defaults.progressive
    assert {defaults.floor, defaults.max_bytes, defaults.width, defaults.height} == {None}


def test_the_form_has_every_option() -> None:
    named = set(re.findall(r'<(?:input|select) [^>]*name="(\w+)"', PAGE_TEXT))
    # The page always requests the map, and has its limit in kilobytes.
    assert set(CompressOptions.model_fields) - named == {"heatmap", "max_bytes"}
    assert "preset" in named
    assert "max_kilobytes" in named


def test_the_form_has_the_presets_of_the_service() -> None:
    chooser = re.compile(
        r'<div ([^>]*)>\s*<label [^>]*for="preset">.*?<select [^>]*>(.*?)</select>', re.DOTALL
    )
    for only, names in (("off", ["", "a-b", "C_1"]), ("on", ["a-b", "C_1"])):
        page = request("/", presets="a-b:quality=5,C_1:width=9", only_presets=only).text
        found = chooser.search(page)
        assert found
        assert "hidden" not in found.group(1)
        assert re.findall('<option value="([^"]*)"', found.group(2)) == names
    found = chooser.search(request("/").text)
    assert found
    assert found.group(1) == "hidden"


def test_the_tag_of_the_page_changes_with_names_and_sizes_of_its_files(tmp_path: Path) -> None:
    tags = set()
    for name, files in {
        "one": {"a": "xy", "b": ""},
        "moved byte": {"a": "x", "b": "y"},
        "other name": {"a": "x", "c": "y"},
    }.items():
        folder = tmp_path / name
        folder.mkdir()
        for file, text in files.items():
            (folder / file).write_text(text)
        tags.add(hash_folder(folder))
    assert len(tags) == 3
