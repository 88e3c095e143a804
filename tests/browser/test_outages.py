"""The page while a worker or a front end is down."""

import re
from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.browser.conftest import Photos
from tests.browser.page import DONE_MS, PageUnderTest
from tests.integration.running import run_service

IN_PROGRESS = re.compile("queued|working")


def test_photos_survive_a_killed_worker_and_a_killed_front_end(
    chromium: Browser, photos: Photos, tmp_path: Path
) -> None:
    with (
        run_service(tmp_path) as service,
        PageUnderTest(chromium, service.url) as page,
    ):
        page.allowed_errors = ("Failed to load resource",)  # how Chromium logs a lost connection
        (worker,) = service.children("-m worker")
        worker.suspend()
        page.choose(photos.anna, photos.ben)
        for name in ("anna", "ben"):
            expect(page.card(name)).to_have_attribute("data-state", IN_PROGRESS, timeout=DONE_MS)
        worker.kill()
        page.await_done("anna", "ben")
        (worker,) = service.children("-m worker")
        worker.suspend()  # so that the jobs are in progress when the front end is killed
        page.tab.get_by_label("Quality").first.fill("50")
        expect(page.card("anna")).to_have_attribute("data-state", IN_PROGRESS, timeout=DONE_MS)
        (front_end,) = service.children("-m app serve")
        front_end.kill()
        worker.resume()
        page.tab.locator("#figures", has_text="of quality 50").wait_for(timeout=DONE_MS)
        page.await_done("anna", "ben")
