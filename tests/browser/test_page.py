"""What a person does with the page, in a real Chromium over the real service."""

import io
import re
import zipfile
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image, ImageChops
from playwright.sync_api import Browser, Locator, expect

from tests.browser.conftest import MAX_UPLOAD_BYTES, Photos
from tests.browser.page import DONE_MS, PHONE, PageUnderTest
from tests.integration.running import Running

ALL_WITHIN_BYTES = 150_000


def opened(data: bytes) -> Image.Image:
    """Return a decoded JPEG."""
    picture = Image.open(io.BytesIO(data))
    assert picture.format == "JPEG"
    picture.load()
    return picture


def centre(locator: Locator) -> tuple[float, float]:
    """Return where to press."""
    box = locator.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_three_photos_one_broken_give_two_results_and_one_clear_error(
    page: PageUnderTest, photos: Photos
) -> None:
    page.expect_refusals()
    page.choose(photos.broken, photos.anna, photos.ben)
    page.await_done("anna", "ben")
    expect(page.card("broken")).to_have_attribute("data-state", "failed")
    assert page.state("broken") == "The image's data is truncated or damaged."
    assert page.card("broken").get_by_role("link").count() == 0
    # What has failed doesn't keep the large picture from one that is there.
    expect(page.tab.locator("#stage-name")).not_to_have_text("broken.jpg")
    expect(page.tab.locator("#totals")).to_contain_text("2 of 3 done")


def test_a_result_is_downloaded_and_decodes(page: PageUnderTest, photos: Photos) -> None:
    page.choose(photos.anna, photos.ben)
    page.await_done("anna", "ben")
    with page.tab.expect_download() as download:
        page.tab.get_by_label("Download anna.jpg").click()
    assert download.value.suggested_filename == "anna-foveate.jpg"
    data = Path(download.value.path()).read_bytes()
    assert opened(data).size == (960, 640)
    assert 1000 < len(data) < photos.anna.stat().st_size


def test_all_results_are_downloaded_as_one_archive(
    page: PageUnderTest, photos: Photos, tmp_path: Path
) -> None:
    again = tmp_path / "ANNA.png"  # the same name, once compressed, to a file system without case
    again.write_bytes(photos.ben.read_bytes())
    page.choose(photos.anna, again, photos.fruit)
    page.await_done("anna.jpg", "ANNA.png", "fruit")
    with page.tab.expect_download() as download:
        page.tab.get_by_role("button", name="Download all").click()
    assert download.value.suggested_filename == "foveate.zip"
    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert names == ["anna-foveate.jpg", "ANNA-foveate (2).jpg", "fruit-foveate.jpg"]
        sizes = [opened(archive.read(name)).size for name in names]
    assert sizes == [(960, 640), (480, 360), (640, 800)]


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


def test_the_heatmap_comes_and_goes(page: PageUnderTest, photos: Photos) -> None:
    page.choose(photos.anna)
    page.await_done("anna")
    viewer = page.tab.locator("#viewer")

    def look() -> Image.Image:
        return Image.open(io.BytesIO(viewer.screenshot())).convert("RGB")

    def differs(first: Image.Image, second: Image.Image) -> bool:
        return ImageChops.difference(first, second).convert("L").getextrema()[1] > 24

    without = look()
    switch = page.tab.get_by_role("switch", name="Heatmap")
    switch.check()
    with_map = look()
    assert differs(without, with_map)
    page.tab.locator("#heat-opacity").focus()
    page.tab.keyboard.press("Home")
    assert not differs(without, look())
    page.tab.keyboard.press("End")
    assert differs(with_map, look())
    switch.uncheck()
    assert not differs(without, look())


def test_the_standard_jpeg_has_no_fewer_bytes_and_hardly_more(
    page: PageUnderTest, photos: Photos
) -> None:
    page.choose(photos.anna)
    page.await_done("anna")
    ours = page.result("anna")
    left = page.tab.locator("#image-left")
    original = left.get_attribute("src")
    page.tab.get_by_label("Standard JPEG, same bytes").check()
    note = page.tab.locator("#note")
    expect(note).to_contain_text("by your browser's own encoder", timeout=DONE_MS)
    expect(page.tab.locator("#tag-left")).to_have_text("Standard JPEG")
    assert left.get_attribute("src") != original
    shown = re.search(r"same bytes: ([\d.]+).kB, quality (\d+)", note.inner_text())
    assert shown
    assert 0.995 <= float(shown.group(1)) * 1000 / len(ours) < 1.1
    # One quality less would have had fewer bytes than ours.
    fewer, quality = page.tab.evaluate(
        """async ([original, target]) => {
            const address = document.querySelector("script[type=module]").src;
            const { encodeStandard } = await import(address.replace("main.js", "standard.js"));
            const source = new Blob([new Uint8Array(original)]);
            const { signal } = new AbortController();
            const bitmap = await createImageBitmap(source);
            const { quality } = await encodeStandard(source, bitmap, target, signal);
            const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
            canvas.getContext("2d", { alpha: false }).drawImage(bitmap, 0, 0);
            const options = { type: "image/jpeg", quality: (quality - 1) / 100 };
            return [(await canvas.convertToBlob(options)).size, quality];
        }""",
        [list(photos.anna.read_bytes()), len(ours)],
    )
    assert quality == int(shown.group(2))
    assert fewer < len(ours)


def test_a_changed_quality_gives_new_bytes_and_a_stale_answer_never_wins(
    page: PageUnderTest, photos: Photos
) -> None:
    page.choose(photos.anna)
    page.await_done("anna")
    before = len(page.result("anna"))
    quality = page.tab.get_by_label("Quality", exact=False).first
    quality.focus()
    for number in (60, 90, 30):  # faster than an answer comes
        quality.fill(str(number))
        page.tab.wait_for_timeout(400)
    page.tab.locator("#figures", has_text="of quality 30").wait_for(timeout=DONE_MS)
    page.await_done("anna")
    after = page.result("anna")
    assert len(after) < before / 1.5
    asked = [re.search(r"quality=(\d+)", r.url) for r in page.requests if "/compress?" in r.url]
    assert [found.group(1) for found in asked if found] == ["75", "60", "90", "30"]
    page.tab.wait_for_timeout(1500)
    assert page.result("anna") == after


def test_every_option_reaches_the_service(page: PageUnderTest, photos: Photos) -> None:
    page.choose(photos.ben)
    page.await_done("ben")
    tab = page.tab
    tab.get_by_text("More", exact=True).click()
    tab.get_by_label("Strength").first.fill("0.3")
    tab.get_by_label("Background at least quality").fill("55")
    tab.get_by_label("No larger than, in kB").fill("9")
    tab.get_by_label("Colour detail").select_option("444")
    tab.get_by_label("Progressive").uncheck()
    tab.wait_for_timeout(500)
    page.await_done("ben")
    query = page.requests[-1] if "/compress?" in page.requests[-1].url else None
    last = query or next(r for r in reversed(page.requests) if "/compress?" in r.url)
    for part in ("strength=0.3", "floor=55", "max_bytes=9000", "subsampling=444"):
        assert part in last.url
    data = page.result("ben")
    assert len(data) <= 9000
    picture = opened(data)
    assert "progressive" not in picture.info
    tab.get_by_label("No larger than, in kB").fill("0.2")
    page.expect_refusals()
    expect(page.card("ben")).to_have_attribute("data-state", "failed", timeout=DONE_MS)
    assert "the smallest JPEG of this photo" in page.state("ben")
    expect(tab.locator("#stage-error")).to_contain_text("the smallest JPEG")
    tab.get_by_label("Background at least quality").fill("400")
    expect(tab.locator("#options-error")).to_contain_text("Background at least quality")
    tab.get_by_role("button", name="Reset").click()
    page.await_done("ben")
    expect(tab.locator("#options-error")).to_be_hidden()


def test_photos_are_dropped_and_pasted(page: PageUnderTest, photos: Photos) -> None:
    for kind, name in (("drop", "dropped.jpg"), ("paste", "pasted.jpg")):
        page.tab.evaluate(
            """([kind, name, bytes]) => {
                const transfer = new DataTransfer();
                transfer.items.add(new File([new Uint8Array(bytes)], name, { type: "image/jpeg" }));
                const event = kind === "paste"
                    ? new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true })
                    : new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true });
                document.querySelector("main").dispatchEvent(event);
            }""",
            [kind, name, list(photos.fruit.read_bytes())],
        )
        page.await_done(name)


def test_what_is_too_large_or_no_photo_is_said_in_words(
    page: PageUnderTest, tmp_path: Path
) -> None:
    page.expect_refusals()
    large, text, empty = (tmp_path / name for name in ("large.jpg", "text.jpg", "empty.jpg"))
    large.write_bytes(b"\xff\xd8" + bytes(MAX_UPLOAD_BYTES))
    text.write_text("<script>alert(1)</script>")
    empty.write_bytes(b"")
    page.choose(large, text, empty)
    for name in ("large", "text", "empty"):
        expect(page.card(name)).to_have_attribute("data-state", "failed", timeout=DONE_MS)
    assert "at most 3\u00a0MB are accepted" in page.state("large")
    assert "empty" in page.state("empty")
    assert len(page.state("text")) > 10


def test_a_name_with_markup_stays_text(page: PageUnderTest, photos: Photos, tmp_path: Path) -> None:
    odd = tmp_path / "<img src=x onerror=alert(1)>.jpg"
    odd.write_bytes(photos.fruit.read_bytes())
    page.choose(odd)
    page.await_done("onerror")
    expect(page.tab.locator("#stage-name")).to_have_text(odd.name)


def test_removing_and_clearing_lead_back_to_the_start(page: PageUnderTest, photos: Photos) -> None:
    page.choose(photos.anna, photos.ben, photos.fruit)
    page.await_done("anna", "ben", "fruit")
    page.tab.get_by_label("Remove anna.jpg").click()
    expect(page.tab.locator("#stage-name")).to_have_text("ben.png")
    expect(page.tab.get_by_label("Remove ben.png")).to_be_focused()
    page.tab.get_by_role("button", name="Clear").click()
    expect(page.tab.get_by_role("button", name="Choose photos")).to_be_focused()
    assert page.tab.locator(".card").count() == 0


def test_the_keyboard_alone_is_enough(page: PageUnderTest, photos: Photos) -> None:
    tab = page.tab
    # Chromium is told to hand choosers over without a wait for its answer, so long before the first.
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
    expect(tab.locator("#stage-name")).to_have_text("ben.png")
    tab_to("#download-all")
    with tab.expect_download():
        tab.keyboard.press("Enter")
    tab_to("#quality")
    tab.keyboard.press("Home")
    tab.locator("#figures", has_text="of quality 1;").wait_for(timeout=DONE_MS)
    page.await_done("anna", "ben")


def test_a_phone_of_360_px_shows_everything(
    chromium: Browser, page_service: Running, photos: Photos
) -> None:
    with PageUnderTest(
        chromium, page_service.url, viewport=PHONE, has_touch=True, is_mobile=True
    ) as page:
        assert page.overflow_px() == 0
        page.choose(photos.anna, photos.fruit)
        page.await_done("anna", "fruit")
        page.card("fruit").locator(".pick").tap()
        expect(page.tab.locator("#stage-name")).to_have_text("fruit.jpg")
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
def test_nothing_shuts_people_out(
    chromium: Browser, page_service: Running, photos: Photos, scheme: str
) -> None:
    with PageUnderTest(chromium, page_service.url, color_scheme=scheme, bypass_csp=True) as page:
        page.expect_refusals()
        assert serious(page) == []
        page.choose(photos.anna, photos.broken)
        page.await_done("anna")
        page.tab.get_by_role("switch", name="Heatmap").check()
        page.tab.get_by_text("More", exact=True).click()
        assert serious(page) == []


def serious(page: PageUnderTest) -> list[str]:
    """Return what axe-core finds of at least serious impact."""
    found = Axe().run(page.tab).response["violations"]
    return [
        f"{rule['id']}: {[node['target'] for node in rule['nodes']]}"
        for rule in found
        if rule["impact"] in {"serious", "critical"}
    ]


def test_the_page_is_small_kept_and_strict(page: PageUnderTest, photos: Photos) -> None:
    sizes = [request.sizes()["responseBodySize"] for request in page.requests]
    assert 20_000 < sum(sizes) < ALL_WITHIN_BYTES
    paint_ms = page.tab.evaluate(
        "performance.getEntriesByName('first-contentful-paint')[0].startTime"
    )
    print(f"first paint after {paint_ms:.0f} ms, {sum(sizes)} bytes")
    for request in page.requests:
        response = request.response()
        assert response
        assert "unsafe" not in response.headers["content-security-policy"]
        if "/page/" in request.url:
            assert "immutable" in response.headers["cache-control"]
            assert response.headers["etag"]
    # What a browser has kept is as good as new.
    page.tab.reload()
    page.choose(photos.ben)
    page.await_done("ben")
    # The policy works: what isn't a file of ours doesn't run.
    page.tolerated = ("Executing inline script violates", "Refused to")
    page.tab.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {text: 'hacked = 1'}))"
    )
    assert page.tab.evaluate("typeof hacked") == "undefined"
