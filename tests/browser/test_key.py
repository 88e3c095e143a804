"""The page of a service that requires an API key."""

from playwright.sync_api import Browser, expect

from tests.browser.conftest import Photos
from tests.browser.page import DONE_MS, PageUnderTest
from tests.integration.front_end import run_front_end
from tests.integration.running import Running

KEY = "a-key-of-at-least-sixteen-characters"


def test_a_key_is_requested_once_and_kept_for_the_tab(
    chromium: Browser, page_service: Running, photos: Photos
) -> None:
    with (
        # Beside the running service, with its Redis and worker.
        run_front_end(page_service.redis_url, API_KEYS=KEY, RESULT_TTL_S="60") as front_end,
        PageUnderTest(chromium, front_end.url) as page,
    ):
        page.allowed_errors = (
            "Failed to load resource: the server responded with a status of 401",
        )
        tab = page.tab
        field = tab.get_by_label("Key", exact=True)
        expect(field).to_be_hidden()
        page.choose(photos.ben)
        expect(page.card("ben")).to_have_attribute("data-state", "failed", timeout=DONE_MS)
        assert page.state_text("ben") == "This service requires a key."
        assert not [request for request in page.requests if "/compress?" in request.url]
        expect(field).to_be_focused()
        for wrong, message in [("wrong", "is not valid"), ("ключ", "ASCII letters")]:
            field.fill(wrong)
            field.press("Enter")
            expect(tab.locator("#key-error")).to_contain_text(message)
            expect(page.card("ben")).to_have_attribute("data-state", "failed")
        field.fill(KEY)
        tab.get_by_role("button", name="Use key").click()
        page.await_done("ben")
        expect(field).to_be_hidden()
        tab.reload()
        page.choose(photos.ben)
        page.await_done("ben")
        tab.evaluate("sessionStorage.setItem('foveate-key', 'an old one')")
        tab.reload()
        page.choose(photos.ben)
        expect(field).to_be_focused(timeout=DONE_MS)
