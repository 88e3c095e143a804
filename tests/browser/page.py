"""The page as tests use it; each checks that it logs no error and contacts no other host."""

import base64
import io
from pathlib import Path
from typing import Any, Self
from urllib.parse import urljoin

from PIL import Image
from playwright.sync_api import Browser, ConsoleMessage, Locator, Request, expect

DESKTOP = {"width": 1280, "height": 860}
PHONE = {"width": 360, "height": 740}
DONE_MS = 60_000


class PageUnderTest:
    """One tab; on exit it is checked for logged errors and requests to other hosts.

    If ``url`` has a path, requests outside of it count as well.
    """

    def __init__(self, browser: Browser, url: str, **context: Any) -> None:
        settings = {"viewport": DESKTOP, "accept_downloads": True, **context}
        self._context = browser.new_context(**settings)
        self.tab = self._context.new_page()
        self.url = url
        self.errors: list[str] = []
        self.requests: list[Request] = []
        self.allowed_errors: tuple[str, ...] = ()
        self.tab.on("console", self._on_console)
        self.tab.on("pageerror", lambda error: self.errors.append(str(error)))
        # Not `self.requests.append`: Playwright sets an attribute on handlers.
        self.tab.on("request", self._on_request)
        self.tab.goto(url)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.errors.append(message.text)

    def _on_request(self, request: Request) -> None:
        self.requests.append(request)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._context.close()
        if kind is None:
            errors = [e for e in self.errors if not e.startswith(self.allowed_errors or "\0")]
            assert errors == []
            assert self.foreign_requests() == []

    def foreign_requests(self) -> list[str]:
        """Return the URLs of requests to other hosts or paths."""
        own = (f"{self.url.rstrip('/')}/", f"blob:{urljoin(self.url, '/')}")
        return [request.url for request in self.requests if not request.url.startswith(own)]

    def allow_client_errors(self) -> None:
        """Allow responses 4xx, which Chromium logs as errors."""
        self.allowed_errors = ("Failed to load resource: the server responded with a status of 4",)

    def choose(self, *files: Path) -> None:
        """Hand files to the page's file input."""
        self.tab.set_input_files("#files", list(files))

    def card(self, name: str) -> Locator:
        """Return the card of a photo."""
        return self.tab.locator(".card", has_text=name)

    def await_done(self, *names: str) -> None:
        """Wait until these photos are compressed and the comparison is up to date."""
        for name in names:
            expect(self.card(name)).to_have_attribute("data-state", "done", timeout=DONE_MS)
        expect(self.tab.locator("#viewer-status")).to_be_hidden()

    def state_text(self, name: str) -> str:
        """Return the line on a photo's card that describes its state."""
        return self.card(name).locator(".card-state").inner_text()

    def download(self, name: str) -> bytes:
        """Return the bytes of a result, downloaded by the link on its card."""
        with self.tab.expect_download() as started:
            self.card(name).get_by_role("link", name="Download").click()
        path = started.value.path()
        return Path(path).read_bytes()

    def overflow_px(self) -> int:
        """Return by how many pixels the page is wider than the window."""
        width = self.tab.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return int(width)


def open_jpeg(data: bytes) -> Image.Image:
    """Return a JPEG, which decodes completely."""
    picture = Image.open(io.BytesIO(data))
    assert picture.format == "JPEG"
    picture.load()
    return picture


def to_base64(path: Path) -> str:
    """Return a file for a script in the page; a list of numbers would take seconds."""
    return base64.b64encode(path.read_bytes()).decode()
