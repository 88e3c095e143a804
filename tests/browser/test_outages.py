"""What the page does while the service fails and comes back."""

import re
from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.browser.conftest import Photos
from tests.browser.page import DONE_MS, PageUnderTest
from tests.integration.running import run_service

UNDER_WAY = re.compile("queued|working")


def test_the_page_outlives_a_killed_worker_and_a_killed_front_end(
    chromium: Browser, photos: Photos, tmp_path: Path
) -> None:
    with (
        run_service(tmp_path) as service,
        PageUnderTest(chromium, service.url) as page,
    ):
        page.tolerated = ("Failed to load resource",)  # Chromium's own word for a lost connection
        (worker,) = service.children("-m worker")
        worker.suspend()
        page.choose(photos.anna, photos.ben)
        for name in ("anna", "ben"):
            expect(page.card(name)).to_have_attribute("data-state", UNDER_WAY, timeout=DONE_MS)
        worker.kill()
        page.await_done("anna", "ben")
        (worker,) = service.children("-m worker")
        worker.suspend()  # so that the uploads are under way when the front end goes
        page.tab.get_by_label("Quality").first.fill("50")
        expect(page.card("anna")).to_have_attribute("data-state", UNDER_WAY, timeout=DONE_MS)
        (front_end,) = service.children("-m app serve")
        front_end.kill()
        worker.resume()
        page.tab.locator("#figures", has_text="of quality 50").wait_for(timeout=DONE_MS)
        page.await_done("anna", "ben")
