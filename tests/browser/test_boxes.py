"""The switch Boxes: what was found, over the photo and as a list."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.conftest import Photos
from tests.browser.page import PHONE, PageUnderTest
from tests.integration.running import Running

DOG = {"class": "dog", "score": 0.931, "box": {"x": 0.25, "y": 0.2, "width": 0.5, "height": 0.6}}
FACE = {"class": "face", "score": 0.5, "box": {"x": 0.7, "y": 0, "width": 0.3, "height": 0.25}}
SMALL_DOG = {"class": "dog", "score": 0.7, "box": {"x": 0.3, "y": 0.3, "width": 0.1, "height": 0.1}}
SCRIPT = {**FACE, "class": "<img src=x onerror=alert(1)>"}


def find(page: PageUnderTest, regions: list[dict[str, Any]] | None) -> None:
    """Replace the regions that the service finds; None removes them, as in results of old versions."""

    def fulfil(route: Route) -> None:
        response = route.fetch()
        text = response.text()

        def change(match: re.Match[str]) -> str:
            document = json.loads(match.group(1))
            if "result" in document:
                document["result"].pop("regions", None)
                if regions is not None:
                    document["result"]["regions"] = regions
            return "data: " + json.dumps(document)

        route.fulfill(response=response, body=re.sub(r"data: (\{.*\})", change, text))

    page.tab.route("**/jobs/*/events", fulfil)
    # A cached result comes with the upload; this one must come by events.
    page.tab.route(
        "**/compress?*",
        lambda route: route.continue_(
            headers={**route.request.headers, "cache-control": "no-cache"}
        ),
    )


@pytest.fixture
def anna(page: PageUnderTest, photos: Photos) -> Iterator[PageUnderTest]:
    """Return the page with a photo in which three regions were found."""
    find(page, [DOG, FACE, SMALL_DOG])
    page.choose(photos.anna)
    page.await_done("anna")
    yield page
    page.tab.unroute_all()


def test_boxes_are_where_the_regions_are_and_move_with_the_zoom(anna: PageUnderTest) -> None:
    tab = anna.tab
    expect(tab.locator("#pane-boxes")).to_be_hidden()
    expect(tab.locator("#legend")).to_be_hidden()
    tab.get_by_role("switch", name="Boxes").check()
    boxes = tab.locator(".box")
    # The largest first, so that small ones are above.
    expect(boxes).to_have_text(["dog", "face", "dog"])

    def measure() -> tuple[list[float], float]:
        frame, box = tab.locator("#viewer").bounding_box(), boxes.first.bounding_box()
        assert frame
        assert box
        shares = [
            (box["x"] - frame["x"]) / frame["width"],
            (box["y"] - frame["y"]) / frame["height"],
            box["width"] / frame["width"],
            box["height"] / frame["height"],
        ]
        return shares, float(boxes.first.evaluate("it => getComputedStyle(it).borderTopWidth")[:-2])

    shares, border = measure()
    assert shares == pytest.approx([0.25, 0.2, 0.5, 0.6], abs=0.005)
    tab.get_by_role("button", name="Zoom in").click()
    zoomed, thinner = measure()
    assert zoomed[2:] == pytest.approx([0.75, 0.9], abs=0.01)
    assert thinner < border  # scaled up with the photo it looks as before
    tab.get_by_role("switch", name="Boxes").uncheck()
    expect(boxes).to_have_count(0)


def test_the_list_has_each_class_once_with_its_colour_and_best_score(anna: PageUnderTest) -> None:
    tab = anna.tab
    tab.get_by_role("switch", name="Boxes").check()
    entries = tab.get_by_role("list", name="What was found").get_by_role("listitem")
    expect(entries).to_have_text(["2 × dog 93 %", "face 50 %"])
    colours = [
        entry.locator(".swatch").evaluate("it => getComputedStyle(it).backgroundColor")
        for entry in entries.all()
    ]
    assert colours == ["rgb(230, 159, 0)", "rgb(86, 180, 233)"]
    borders = [
        box.evaluate("it => getComputedStyle(it).borderTopColor")
        for box in tab.locator(".box").all()
    ]
    assert borders == [colours[0], colours[1], colours[0]]


def test_the_switch_works_by_keyboard(anna: PageUnderTest) -> None:
    tab = anna.tab
    tab.locator("#heat-on").focus()
    for _ in range(3):
        if tab.evaluate("document.activeElement.id") != "boxes-on":
            tab.keyboard.press("Tab")
    tab.keyboard.press("Space")
    expect(tab.locator("#pane-boxes")).to_be_visible()
    expect(tab.locator("#legend")).to_be_visible()


def test_names_stay_inside_the_photo_on_a_phone(
    chromium: Browser, page_service: Running, photos: Photos
) -> None:
    with PageUnderTest(
        chromium, page_service.url, viewport=PHONE, has_touch=True, is_mobile=True
    ) as page:
        right = {"x": 0.92, "y": 0.5, "width": 0.08, "height": 0.1}
        find(page, [DOG, FACE, {**FACE, "class": "text and signs", "box": right}])
        page.choose(photos.anna)
        page.await_done("anna")
        page.tab.locator("label", has_text="Boxes").tap()
        frame = page.tab.locator("#viewer").bounding_box()
        assert frame
        for name in page.tab.locator(".box-name").all():
            box = name.bounding_box()
            assert box
            assert box["x"] >= frame["x"]
            assert box["y"] >= frame["y"]
            assert box["x"] + box["width"] <= frame["x"] + frame["width"] + 1
        assert page.overflow_px() == 0
        page.tab.unroute_all()


CROWDED = [
    {"class": name, "score": 0.5, "box": dict(zip(("x", "y", "width", "height"), box, strict=True))}
    for name, box in [
        ("person", (0.2, 0.1, 0.6, 0.9)),
        ("clothing", (0.2, 0.1, 0.6, 0.9)),
        ("face", (0.35, 0.1, 0.2, 0.25)),
        ("musical instrument", (0.35, 0.11, 0.22, 0.3)),
        ("furniture", (0, 0, 1, 1)),
        ("landscape", (0, 0, 1, 1)),
        ("text", (0.9, 0.02, 0.1, 0.06)),
        ("clock", (0.88, 0.02, 0.12, 0.08)),
        ("face", (0.37, 0.36, 0.1, 0.1)),
        ("dog", (0, 0.9, 0.3, 0.1)),
        ("cat", (0.02, 0.88, 0.3, 0.12)),
    ]
]


@pytest.mark.parametrize("width", [390, 1280])
def test_names_do_not_cover_each_other(
    chromium: Browser, page_service: Running, photos: Photos, width: int
) -> None:
    def place(tab: Page) -> list[dict[str, float]]:
        names = [name.bounding_box() for name in tab.locator(".box-name").all()]
        frame = tab.locator("#viewer").bounding_box()
        assert frame
        assert len(names) == len(CROWDED)
        placed = [dict(box) for box in names if box]
        for number, one in enumerate(placed):
            assert one["x"] >= frame["x"] - 1
            assert one["x"] + one["width"] <= frame["x"] + frame["width"] + 1
            for other in placed[:number]:
                assert (
                    one["x"] + one["width"] <= other["x"] + 1
                    or other["x"] + other["width"] <= one["x"] + 1
                    or one["y"] + one["height"] <= other["y"] + 1
                    or other["y"] + other["height"] <= one["y"] + 1
                ), (one, other)
        return placed

    viewport = {"width": width, "height": 860}
    with PageUnderTest(chromium, page_service.url, viewport=viewport) as page:
        find(page, CROWDED)
        page.choose(photos.anna)
        page.await_done("anna")
        tab = page.tab
        tab.locator("label", has_text="Boxes").click()
        place(tab)
        tab.set_viewport_size({"width": 700 if width == 390 else 420, "height": 700})
        tab.wait_for_timeout(100)
        place(tab)
        tab.unroute_all()


@pytest.mark.parametrize("regions", [[], None])
def test_a_photo_without_regions_says_so(
    page: PageUnderTest, photos: Photos, regions: list[dict[str, Any]] | None
) -> None:
    find(page, regions)
    page.choose(photos.ben)
    page.await_done("ben")
    switch = page.tab.get_by_role("switch", name="Boxes")
    if regions is None:
        expect(switch).to_be_disabled()
    else:
        switch.check()
        expect(page.tab.locator("#legend")).to_contain_text("No object that Foveate knows")
    page.tab.unroute_all()


def test_a_name_is_shown_as_text(page: PageUnderTest, photos: Photos) -> None:
    find(page, [SCRIPT])
    page.choose(photos.ben)
    page.await_done("ben")
    page.tab.get_by_role("switch", name="Boxes").check()
    expect(page.tab.locator(".box-name")).to_have_text(SCRIPT["class"])
    expect(page.tab.locator("#legend")).to_contain_text(SCRIPT["class"])
    assert page.tab.locator("#boxes img, #legend img").count() == 0
    page.tab.unroute_all()


def test_boxes_of_another_photo_are_gone(anna: PageUnderTest, photos: Photos) -> None:
    anna.tab.get_by_role("switch", name="Boxes").check()
    expect(anna.tab.locator(".box")).to_have_count(3)
    find(anna, [FACE])
    anna.choose(photos.fruit)
    anna.await_done("fruit")
    anna.card("fruit").locator(".pick").click()
    expect(anna.tab.locator(".box")).to_have_text(["face"])
