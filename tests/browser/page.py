"""The page as a test sees it: what it shows, and what it must never do."""

from pathlib import Path
from typing import Any, Self

from playwright.sync_api import Browser, ConsoleMessage, Locator, Request, expect

DESKTOP = {"width": 1280, "height": 860}
PHONE = {"width": 360, "height": 740}
DONE_MS = 60_000


class PageUnderTest:
    """One tab; on leaving, no error was logged and no other host was asked."""

    def __init__(self, browser: Browser, url: str, **context: Any) -> None:
        settings = {"viewport": DESKTOP, "accept_downloads": True, **context}
        self._context = browser.new_context(**settings)
        self.tab = self._context.new_page()
        self.url = url
        self.errors: list[str] = []
        self.requests: list[Request] = []
        self.tolerated: tuple[str, ...] = ()
        self.tab.on("console", self._hear)
        self.tab.on("pageerror", lambda error: self.errors.append(str(error)))
        # A bound method of our own: Playwright can't mark a built-in one.
        self.tab.on("request", self._ask)
        self.tab.goto(url)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.errors.append(message.text)

    def _ask(self, request: Request) -> None:
        self.requests.append(request)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._context.close()
        if kind is None:
            left = [text for text in self.errors if not text.startswith(self.tolerated or "\0")]
            assert left == []
            assert self.foreign() == []

    def foreign(self) -> list[str]:
        """Return the requests that went elsewhere."""
        home = (f"{self.url}/", f"blob:{self.url}/")
        return [request.url for request in self.requests if not request.url.startswith(home)]

    def expect_refusals(self) -> None:
        """Chromium logs every answer that isn't 2xx; where a test sends broken photos that's fine."""
        self.tolerated = ("Failed to load resource: the server responded with a status of 4",)

    def choose(self, *files: Path) -> None:
        """Hand files to the page's file input."""
        self.tab.set_input_files("#files", list(files))

    def card(self, name: str) -> Locator:
        """Return the card of a photo."""
        return self.tab.locator(".card", has_text=name)

    def await_done(self, *names: str) -> None:
        """Wait until these photos are compressed, and the large picture is up to date."""
        for name in names:
            expect(self.card(name)).to_have_attribute("data-state", "done", timeout=DONE_MS)
        expect(self.tab.locator("#veil")).to_be_hidden()

    def state(self, name: str) -> str:
        """Return the line that says what a photo is doing."""
        return self.card(name).locator(".card-state").inner_text()

    def result(self, name: str) -> bytes:
        """Return the bytes that the card's link downloads."""
        with self.tab.expect_download() as download:
            self.card(name).get_by_role("link", name="Download").click()
        path = download.value.path()
        return Path(path).read_bytes()

    def overflow_px(self) -> int:
        """Return by how much the page is wider than the window."""
        width = self.tab.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return int(width)
