"""The comparison: divider, zoom, heatmap, and the standard JPEG."""

import io
import re

from PIL import Image, ImageChops
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Photos
from tests.browser.page import DONE_MS, PageUnderTest, to_base64


def centre(locator: Locator) -> tuple[float, float]:
    """Return the centre of an element."""
    box = locator.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_the_divider_moves_by_drag_and_by_keys(page: PageUnderTest, photos: Photos) -> None:
    page.choose(photos.anna)
    page.await_done("anna")
    split = page.tab.locator("#split")
    box = page.tab.locator("#viewer").bounding_box()
    assert box
    middle_y = box["y"] + box["height"] / 2
    page.tab.mouse.move(box["x"] + box["width"] / 2, middle_y)
    page.tab.mouse.down()
    page.tab.mouse.move(box["x"] + box["width"] * 0.25, middle_y, steps=5)
    page.tab.mouse.up()
    assert abs(float(split.input_value()) - 25) <= 1
    handle = page.tab.locator("#handle").bounding_box()
    assert handle
    assert abs(handle["x"] - (box["x"] + box["width"] * 0.25)) < box["width"] * 0.02
    split.focus()
    for _ in range(5):
        page.tab.keyboard.press("ArrowRight")
    assert abs(float(split.input_value()) - 30) <= 1
    page.tab.keyboard.press("End")
    expect(split).to_have_attribute("aria-valuetext", "100 % Original, 0 % Foveate")


def test_zoom_and_pan_move_both_pictures_alike(page: PageUnderTest, photos: Photos) -> None:
    page.choose(photos.anna)
    page.await_done("anna")
    viewer = page.tab.locator("#viewer")
    transforms = """() => ["left", "right"].map((side) =>
        getComputedStyle(document.querySelector(`#pane-${side} .world`)).transform)"""
    page.tab.get_by_role("button", name="Zoom in").click()
    page.tab.get_by_role("button", name="Zoom in").click()
    x, y = centre(viewer)
    page.tab.mouse.move(x + 150, y)
    page.tab.mouse.down()
    page.tab.mouse.move(x + 90, y - 40, steps=4)
    page.tab.mouse.up()
    dragged = page.tab.evaluate(transforms)
    assert dragged[0] == dragged[1]
    assert "matrix(2.25" in dragged[0]
    assert page.tab.locator("#split").input_value() == "50"  # the photo moved, not the divider
    viewer.focus()
    page.tab.keyboard.press("ArrowLeft")
    moved = page.tab.evaluate(transforms)
    assert moved[0] == moved[1] != dragged[0]
    page.tab.keyboard.press("0")
    assert "matrix(1, 0, 0, 1, 0, 0)" in page.tab.evaluate(transforms)[0]
    page.tab.get_by_role("button", name="1:1").click()
    expect(page.tab.locator("#zoom-level")).to_have_text("100 %")
    page.tab.mouse.move(x, y)
    page.tab.keyboard.down("Control")
    page.tab.mouse.wheel(0, -400)
    page.tab.keyboard.up("Control")
    expect(page.tab.locator("#zoom-level")).not_to_have_text("100 %")


def test_the_heatmap_is_switched_and_its_opacity_set(page: PageUnderTest, photos: Photos) -> None:
    page.choose(photos.anna)
    page.await_done("anna")
    viewer = page.tab.locator("#viewer")

    def take_screenshot() -> Image.Image:
        return Image.open(io.BytesIO(viewer.screenshot())).convert("RGB")

    def differs(first: Image.Image, second: Image.Image) -> bool:
        return ImageChops.difference(first, second).convert("L").getextrema()[1] > 24

    without = take_screenshot()
    switch = page.tab.get_by_role("switch", name="Heatmap")
    switch.check()
    with_map = take_screenshot()
    assert differs(without, with_map)
    page.tab.locator("#heat-opacity").focus()
    page.tab.keyboard.press("Home")
    assert not differs(without, take_screenshot())
    page.tab.keyboard.press("End")
    assert differs(with_map, take_screenshot())
    switch.uncheck()
    assert not differs(without, take_screenshot())


def test_the_standard_jpeg_has_at_least_as_many_bytes_and_few_more(
    page: PageUnderTest, photos: Photos
) -> None:
    page.choose(photos.anna)
    page.await_done("anna")
    ours = page.download("anna")
    left = page.tab.locator("#image-left")
    original = left.get_attribute("src")
    page.tab.get_by_label("Standard JPEG, same bytes").check()
    note = page.tab.locator("#note")
    expect(note).to_contain_text("by your browser's encoder", timeout=DONE_MS)
    expect(page.tab.locator("#tag-left")).to_have_text("Standard JPEG")
    assert left.get_attribute("src") != original
    shown = re.search(r"same bytes \(([\d.]+).kB, quality (\d+)\)", note.inner_text())
    assert shown
    assert 0.995 <= float(shown.group(1)) * 1000 / len(ours) < 1.1
    # At the next lower quality it has fewer bytes than ours.
    fewer, quality = page.tab.evaluate(
        """async ([base64, target]) => {
            const address = document.querySelector("script[type=module]").src;
            const { encodeStandardJpeg } = await import(address.replace("main.js", "standard_jpeg.js"));
            const source = new Blob([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))]);
            const { signal } = new AbortController();
            const bitmap = await createImageBitmap(source);
            const { quality } = await encodeStandardJpeg(source, bitmap, target, signal);
            const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
            canvas.getContext("2d", { alpha: false }).drawImage(bitmap, 0, 0);
            const options = { type: "image/jpeg", quality: (quality - 1) / 100 };
            return [(await canvas.convertToBlob(options)).size, quality];
        }""",
        [to_base64(photos.anna), len(ours)],
    )
    assert quality == int(shown.group(2))
    assert fewer < len(ours)


def test_smaller_photos_are_compared_at_their_own_size(page: PageUnderTest, photos: Photos) -> None:
    page.choose(photos.anna)
    page.await_done("anna")
    tab = page.tab
    tab.get_by_text("More", exact=True).click()
    tab.get_by_label("Maximum width").fill("320")
    expect(tab.locator("#comparison-size")).to_have_text("320 × 213", timeout=DONE_MS)
    tab.get_by_label("Standard JPEG, same bytes").check()
    expect(tab.locator("#note")).to_contain_text(re.compile(r"quality \d+"), timeout=DONE_MS)
    sizes = """() => ["left", "right"].map((side) => {
        const { naturalWidth, naturalHeight } = document.querySelector(`#image-${side}`);
        return [naturalWidth, naturalHeight];
    })"""
    assert tab.evaluate(sizes) == [[320, 213], [320, 213]]
