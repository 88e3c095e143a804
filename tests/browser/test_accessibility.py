"""The page by keyboard, by touch on a phone, and for screen readers."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Photos
from tests.browser.page import DONE_MS, PHONE, PageUnderTest
from tests.integration.running import Running


def test_the_page_works_by_keyboard_alone(page: PageUnderTest, photos: Photos) -> None:
    tab = page.tab
    # Playwright asks Chromium for choosers without waiting for it, so this must come early.
    tab.on("filechooser", lambda _: None)

    def tab_to(selector: str) -> None:
        for _ in range(40):
            if tab.evaluate("(s) => document.activeElement.matches(s)", selector):
                return
            tab.keyboard.press("Tab")
        pytest.fail(f"Tab never reached {selector}")

    tab_to("#choose")
    with tab.expect_file_chooser() as chooser:
        tab.keyboard.press("Enter")
    chooser.value.set_files([photos.anna, photos.ben])
    page.await_done("anna", "ben")
    tab_to("[name=versus]")
    tab.keyboard.press("ArrowRight")
    expect(tab.locator("#tag-left")).to_have_text("Standard JPEG", timeout=DONE_MS)
    tab_to("#heat-on")
    tab.keyboard.press("Space")
    expect(tab.locator("#pane-heat")).to_be_visible()
    tab_to("#split")
    tab.keyboard.press("ArrowLeft")
    expect(tab.locator("#split")).to_have_value("49")
    tab_to(".card:nth-child(2) .pick")
    tab.keyboard.press("Enter")
    expect(tab.locator("#comparison-name")).to_have_text("ben.png")
    tab_to("#download-all")
    with tab.expect_download():
        tab.keyboard.press("Enter")
    tab_to("#quality")
    tab.keyboard.press("Home")
    tab.locator("#figures", has_text="of quality 1;").wait_for(timeout=DONE_MS)
    page.await_done("anna", "ben")


def test_the_page_fits_and_works_on_a_phone_of_360_px(
    chromium: Browser, page_service: Running, photos: Photos
) -> None:
    with PageUnderTest(
        chromium, page_service.url, viewport=PHONE, has_touch=True, is_mobile=True
    ) as page:
        assert page.overflow_px() == 0
        page.choose(photos.anna, photos.fruit)
        page.await_done("anna", "fruit")
        page.card("fruit").locator(".pick").tap()
        expect(page.tab.locator("#comparison-name")).to_have_text("fruit.jpg")
        page.tab.get_by_text("More", exact=True).tap()
        assert page.overflow_px() == 0
        viewer = page.tab.locator("#viewer")
        viewer.scroll_into_view_if_needed()
        box = viewer.bounding_box()
        assert box
        assert box["height"] <= PHONE["height"]
        page.tab.touchscreen.tap(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.5)
        session = page.tab.context.new_cdp_session(page.tab)
        y = box["y"] + box["height"] / 2
        for kind, share in (("touchStart", 0.5), ("touchMove", 0.6), ("touchMove", 0.8)):
            points = [{"x": box["x"] + box["width"] * share, "y": y}]
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        assert abs(float(page.tab.locator("#split").input_value()) - 80) <= 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_violation(
    chromium: Browser, page_service: Running, photos: Photos, scheme: str
) -> None:
    with PageUnderTest(chromium, page_service.url, color_scheme=scheme, bypass_csp=True) as page:
        page.allow_client_errors()
        assert find_serious_violations(page) == []
        page.choose(photos.anna, photos.broken)
        page.await_done("anna")
        page.tab.get_by_role("switch", name="Heatmap").check()
        page.tab.get_by_text("More", exact=True).click()
        assert find_serious_violations(page) == []


def find_serious_violations(page: PageUnderTest) -> list[str]:
    """Return axe-core's findings of serious and critical impact."""
    found = Axe().run(page.tab).response["violations"]
    return [
        f"{rule['id']}: {[node['target'] for node in rule['nodes']]}"
        for rule in found
        if rule["impact"] in {"serious", "critical"}
    ]
