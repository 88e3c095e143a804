"""The page of a service that asks for API keys."""

from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.browser.conftest import Photos
from tests.browser.page import DONE_MS, PageUnderTest
from tests.integration.running import run_service

KEY = "a-key-of-at-least-sixteen-characters"


def test_a_key_is_asked_for_once_and_kept_for_the_tab(
    chromium: Browser, photos: Photos, tmp_path: Path
) -> None:
    with (
        run_service(tmp_path, API_KEYS=KEY) as service,
        PageUnderTest(chromium, service.url) as page,
    ):
        page.tolerated = ("Failed to load resource: the server responded with a status of 401",)
        tab = page.tab
        field = tab.get_by_label("Key", exact=True)
        expect(field).to_be_hidden()
        page.choose(photos.ben)
        expect(page.card("ben")).to_have_attribute("data-state", "failed", timeout=DONE_MS)
        assert page.state("ben") == "This service asks for a key."
        assert not [request for request in page.requests if "/compress?" in request.url]
        expect(field).to_be_focused()
        for wrong, said in [("wrong", "doesn't know this key"), ("ключ", "No key looks like this")]:
            field.fill(wrong)
            field.press("Enter")
            expect(tab.locator("#key-error")).to_contain_text(said)
            expect(page.card("ben")).to_have_attribute("data-state", "failed")
        field.fill(KEY)
        tab.get_by_role("button", name="Use it").click()
        page.await_done("ben")
        expect(field).to_be_hidden()
        tab.reload()
        page.choose(photos.ben)
        page.await_done("ben")
        tab.evaluate("sessionStorage.setItem('foveate-key', 'an old one')")
        tab.reload()
        page.choose(photos.ben)
        expect(field).to_be_focused(timeout=DONE_MS)
