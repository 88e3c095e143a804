"""The responsive photo of docs/front-ends.md in Chromium, with files from a real /fetch."""

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Route

from tests.browser.conftest import Photos
from tests.browser.page import DESKTOP, PHONE, PageUnderTest
from tests.conftest import needs
from tests.integration.front_end import FrontEnd, run_front_end
from tests.integration.running import ROOT, Running

NODE = shutil.which("node") or ""
EXAMPLE = ROOT / "docs" / "examples" / "responsive.mjs"
DOCUMENT = (ROOT / "docs" / "front-ends.md").read_text("utf-8")
KEY = "a-key-of-the-page"
Size = tuple[int, int]  # (width, height) in pixels

pytestmark = needs(NODE, "needs Node 18 or later")


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files without a log."""

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@pytest.fixture(scope="module")
def source(photos: Photos) -> Iterator[str]:
    """Return the URL of a portrait of 960 × 640."""
    handler = partial(QuietHandler, directory=str(photos.anna.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/{photos.anna.name}?a=1&b=%20"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def fetching(page_service: Running, source: str) -> Iterator[FrontEnd]:
    """Return a front end that fetches from the source."""
    found = re.search(r":(\d+)/", source)
    assert found
    settings = {
        "FETCH_KEYS": KEY,
        "FETCH_HOSTS": "127.0.0.1",
        "FETCH_LOOPBACK_PORT": found.group(1),
        "RESULT_TTL_S": "300",
    }
    with run_front_end(page_service.redis_url, **settings) as running:
        yield running


@pytest.fixture(scope="module")
def html(fetching: FrontEnd, source: str) -> str:
    """Return what the example writes for a photo, with a text that has to be escaped."""
    ended = subprocess.run(
        [NODE, str(EXAMPLE), source, 'Anna\'s "dog" <b>&', "960", "640"],
        env={**os.environ, "FOVEATE_URL": fetching.url, "FETCH_KEY": KEY},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return ended.stdout


def read_styles() -> str:
    """Return the styles of the document."""
    found = re.search(r"```css\n(.*?)```", DOCUMENT, re.DOTALL)
    assert found
    return found.group(1)


def show(browser: Browser, service: FrontEnd, html: str, **context: Any) -> PageUnderTest:
    """Return a page with the photo, on the same host as the service."""
    page = PageUnderTest(browser, service.url, **context)
    content = (
        "<!doctype html><meta name=viewport content='width=device-width'><link rel=icon href=data:,>"
        f"<style>body {{ margin: 0 }} {read_styles()}</style>{html}"
    )

    def fulfil(route: Route) -> None:
        route.fulfill(body=content, content_type="text/html; charset=utf-8")

    page.tab.route("**/example", fulfil)
    page.tab.goto(f"{service.url}/example")
    page.tab.wait_for_function("document.images[0].complete && document.images[0].naturalWidth")
    # While there are routes, Playwright turns the browser's cache off.
    page.tab.unroute("**/example")
    return page


def describe(page: PageUnderTest) -> dict[str, Any]:
    """Return what the browser shows."""
    shown: dict[str, Any] = page.tab.evaluate(
        """async () => {
          const image = document.images[0];
          const file = await createImageBitmap(await (await fetch(image.currentSrc)).blob());
          const { width, height } = image.getBoundingClientRect();
          return {
            source: image.currentSrc, file: [file.width, file.height], box: [width, height],
            alt: image.alt, position: getComputedStyle(image).objectPosition,
          };
        }"""
    )
    return shown


SCREENS: dict[str, tuple[dict[str, Any], Size, Size]] = {
    "phone": ({"viewport": PHONE}, (480, 640), (360, 480)),
    "small phone": ({"viewport": {"width": 320, "height": 600}}, (320, 427), (320, 427)),
    "tablet": ({"viewport": {"width": 640, "height": 800}}, (640, 427), (640, 320)),
    "desktop": ({"viewport": DESKTOP}, (960, 640), (960, 480)),
}


@pytest.mark.parametrize("name", SCREENS)
def test_each_screen_gets_the_file_that_it_needs(
    chromium: Browser, fetching: FrontEnd, html: str, name: str
) -> None:
    screen, file, box = SCREENS[name]
    with show(chromium, fetching, html, **screen) as page:
        shown = describe(page)
        assert tuple(shown["file"]) == file
        assert shown["box"] == pytest.approx(box, abs=0.5)
        assert shown["alt"] == 'Anna\'s "dog" <b>&'
        assert page.overflow_px() == 0


def test_the_browser_keeps_the_files(chromium: Browser, fetching: FrontEnd, html: str) -> None:
    with show(chromium, fetching, html) as page:
        sizes = page.tab.evaluate(
            """async () => {
              const url = document.images[0].currentSrc;
              for (let i = 0; i < 2; i += 1) await (await fetch(url)).blob();
              return performance.getEntriesByName(url).map(it => it.transferSize);
            }"""
        )
        assert sizes[-1] == 0


def test_all_files_of_the_set_have_the_width_that_it_gives(
    chromium: Browser, fetching: FrontEnd, html: str
) -> None:
    with show(chromium, fetching, html) as page:
        listed = re.findall(rf"({re.escape(fetching.url)}\S+) (\d+)w", html)
        assert [int(width) for _, width in listed] == [320, 480, 320, 480, 640, 960]
        widths = page.tab.evaluate(
            """urls => Promise.all(urls.map(async url =>
              (await createImageBitmap(await (await fetch(url)).blob())).width))""",
            [url for url, _ in listed],
        )
        assert widths == [int(width) for _, width in listed]


def test_the_browsers_crop_keeps_the_focus_in_view(
    chromium: Browser, fetching: FrontEnd, html: str
) -> None:
    with show(chromium, fetching, html) as page:
        shown = describe(page)
        focus = page.tab.evaluate(
            "async url => (await fetch(url, {method: 'HEAD'})).headers.get('X-Focus')",
            shown["source"],
        )
        across, down = (float(share) for share in focus.split(","))
        position = [float(part.removesuffix("%")) for part in shown["position"].split()]
        assert position == pytest.approx([100 * across, 100 * down], abs=2)
        assert (across, down) != (0.5, 0.5)


def test_the_document_shows_what_the_example_writes(html: str) -> None:
    for line in ('<source media="(max-width: 600px)" sizes="100vw"', 'sizes="min(100vw, 60rem)"'):
        assert line in html
        assert line in DOCUMENT
    assert 'class="photo" style="object-position: ' in html
    assert 'class="photo" style="object-position: ' in DOCUMENT
    assert KEY not in html
    assert Path(EXAMPLE).name in DOCUMENT
