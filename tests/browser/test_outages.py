"""The page while a worker or a front end is down."""

import re
from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.browser.conftest import Photos
from tests.browser.page import DONE_MS, PageUnderTest
from tests.browser.pictures import portrait, to_jpeg
from tests.integration.running import Running

IN_PROGRESS = re.compile("queued|working")


def test_photos_survive_a_killed_worker_and_a_killed_front_end(
    chromium: Browser, page_service: Running, tmp_path: Path
) -> None:
    # Photos of this test alone: results of others would come from the service's cache.
    photos = [tmp_path / "first.jpg", tmp_path / "second.jpg"]
    for seed, path in enumerate(photos, start=200):
        path.write_bytes(to_jpeg(portrait(320, 240, seed=seed)))
    with PageUnderTest(chromium, page_service.url) as page:
        page.allowed_errors = ("Failed to load resource",)  # how Chromium logs a lost connection
        (worker,) = page_service.children("-m worker --name")
        worker.suspend()
        page.choose(*photos)
        for name in ("first", "second"):
            expect(page.card(name)).to_have_attribute("data-state", IN_PROGRESS, timeout=DONE_MS)
        worker.kill()
        page.await_done("first", "second")
        (worker,) = page_service.children("-m worker --name")
        worker.suspend()  # so that the jobs are in progress when the front end is killed
        page.tab.locator("#quality").fill("50")
        expect(page.card("first")).to_have_attribute("data-state", IN_PROGRESS, timeout=DONE_MS)
        (front_end,) = page_service.children("-m app serve")
        front_end.kill()
        worker.resume()
        page.tab.locator("#figures", has_text="of quality 50").wait_for(timeout=DONE_MS)
        page.await_done("first", "second")


def test_a_photo_that_was_sent_too_slowly_can_be_sent_again(
    chromium: Browser, page_service: Running, photos: Photos
) -> None:
    with PageUnderTest(chromium, page_service.url) as page:
        page.allow_client_errors()
        problem = {
            "type": "urn:foveate:problem:body-too-slow",
            "detail": "Too slow.",
            "status": 408,
        }
        page.tab.route("**/compress?*", lambda route: route.fulfill(status=408, json=problem))
        page.choose(photos.ben)
        expect(page.card("ben")).to_have_attribute("data-state", "failed", timeout=DONE_MS)
        page.tab.unroute("**/compress?*")
        page.card("ben").get_by_role("button", name="Try").click()
        page.await_done("ben")
