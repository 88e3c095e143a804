"""The form of options."""

import io
import re
from pathlib import Path

from PIL import Image
from playwright.sync_api import expect

from tests.browser.conftest import Photos
from tests.browser.page import DONE_MS, PageUnderTest, open_jpeg
from tests.browser.pictures import portrait


def test_photos_are_compressed_again_and_an_outdated_response_is_ignored(
    page: PageUnderTest, photos: Photos
) -> None:
    page.choose(photos.anna)
    page.await_done("anna")
    before = len(page.download("anna"))
    quality = page.tab.locator("#quality")
    quality.focus()
    for number in (60, 90, 30):  # faster than the service responds
        quality.fill(str(number))
        page.tab.wait_for_timeout(400)
    page.tab.locator("#figures", has_text="of quality 30").wait_for(timeout=DONE_MS)
    page.await_done("anna")
    after = page.download("anna")
    assert len(after) < before / 1.5
    sent = [re.search(r"quality=(\d+)", r.url) for r in page.requests if "/compress?" in r.url]
    assert [found.group(1) for found in sent if found] == ["75", "60", "90", "30"]
    page.tab.wait_for_timeout(500)
    assert page.download("anna") == after


def test_every_option_reaches_the_service(page: PageUnderTest, photos: Photos) -> None:
    page.choose(photos.ben)
    page.await_done("ben")
    tab = page.tab
    tab.get_by_text("More", exact=True).click()
    tab.get_by_label("Strength").first.fill("0.3")
    tab.get_by_label("Better by").select_option("psnr")
    tab.get_by_label("Lowest quality of the background").fill("55")
    tab.get_by_label("Maximum file size in kB").fill("9")
    tab.get_by_label("Colour resolution").select_option("444")
    tab.get_by_label("Gain map of an Ultra HDR photo").select_option("keep")
    tab.get_by_label("Progressive").uncheck()
    tab.wait_for_timeout(500)
    page.await_done("ben")
    last = next(r for r in reversed(page.requests) if "/compress?" in r.url)
    expected = {"strength": "0.3", "tune": "psnr", "floor": "55", "max_bytes": "9000"}
    for name, value in (expected | {"subsampling": "444", "hdr": "keep"}).items():
        assert f"{name}={value}" in last.url
    data = page.download("ben")
    assert len(data) <= 9000
    picture = open_jpeg(data)
    assert "progressive" not in picture.info
    tab.get_by_label("Maximum file size in kB").fill("0.2")
    page.allow_client_errors()
    expect(page.card("ben")).to_have_attribute("data-state", "failed", timeout=DONE_MS)
    assert "the smallest JPEG of this photo" in page.state_text("ben")
    expect(tab.locator("#comparison-error")).to_contain_text("the smallest JPEG")
    tab.get_by_label("Lowest quality of the background").fill("400")
    expect(tab.locator("#options-error")).to_contain_text("Lowest quality of the background")
    tab.get_by_role("button", name="Reset").click()
    page.await_done("ben")
    expect(tab.locator("#options-error")).to_be_hidden()


def test_a_photo_is_cropped_and_compared_with_the_same_part(
    page: PageUnderTest, photos: Photos
) -> None:
    page.choose(photos.anna)
    page.await_done("anna")
    tab = page.tab
    tab.get_by_text("More", exact=True).click()
    expect(tab.get_by_label("What a crop keeps")).to_be_disabled()
    tab.get_by_label("Where both are given").select_option("cover")
    expect(tab.locator("#options-error")).to_contain_text("Maximum width")
    tab.get_by_label("Maximum width").fill("90")
    tab.get_by_label("Maximum height").fill("160")
    tab.get_by_label("What a crop keeps").select_option("southwest")
    expect(tab.locator("#comparison-size")).to_have_text("90 × 160", timeout=DONE_MS)
    expect(tab.locator("#options-error")).to_be_hidden()
    page.await_done("anna")
    assert open_jpeg(page.download("anna")).size == (90, 160)
    last = next(r for r in reversed(page.requests) if "/compress?" in r.url)
    assert "fit=cover&gravity=southwest" in last.url
    size = "() => { const i = document.querySelector('#image-left'); return [i.naturalWidth, i.naturalHeight]; }"
    tab.wait_for_function(f"({size})().join() === '90,160'", timeout=DONE_MS)
    # Both panes show the same part of the photo.
    means = tab.evaluate("""() => ["left", "right"].map((side) => {
        const canvas = new OffscreenCanvas(6, 8), context = canvas.getContext("2d");
        context.drawImage(document.querySelector(`#image-${side}`), 0, 0, 6, 8);
        return [...context.getImageData(0, 0, 6, 8).data];
    })""")
    assert max(abs(a - b) for a, b in zip(*means, strict=True)) < 24
    tab.get_by_label("Standard JPEG, same bytes").check()
    expect(tab.locator("#note")).to_contain_text(re.compile(r"quality \d+"), timeout=DONE_MS)
    assert tab.evaluate(size) == [90, 160]


def test_a_copyright_notice_is_kept_on_request(page: PageUnderTest, tmp_path: Path) -> None:
    signed = tmp_path / "signed.jpg"
    picture = portrait(320, 240, seed=7)
    exif = picture.getexif()
    exif[0x8298] = "Ada Example"
    exif[0x0110] = "Camera 1"
    picture.save(signed, "JPEG", quality=95, exif=exif)
    page.choose(signed)
    page.await_done("signed")
    assert b"Ada Example" not in page.download("signed")
    page.tab.get_by_text("More", exact=True).click()
    page.tab.get_by_label("Metadata to keep").select_option("copyright")
    page.tab.wait_for_timeout(500)
    page.await_done("signed")
    result = page.download("signed")
    assert b"Ada Example" in result
    assert b"Camera 1" not in result


def test_an_avif_is_shown_compared_and_downloaded(page: PageUnderTest, photos: Photos) -> None:
    page.choose(photos.anna)
    page.await_done("anna")
    tab = page.tab
    tab.get_by_label("Format").select_option("avif")
    tab.get_by_text("More", exact=True).click()
    for name in ("Gain map of an Ultra HDR photo", "Progressive"):
        expect(tab.get_by_label(name)).to_be_disabled()
    tab.wait_for_timeout(500)
    page.await_done("anna")
    last = next(r for r in reversed(page.requests) if "/compress?" in r.url)
    assert "format=avif" in last.url
    assert "hdr=" not in last.url
    with Image.open(io.BytesIO(page.download("anna"))) as picture:
        assert picture.format == "AVIF"
        width = picture.width
    link = page.card("anna").get_by_role("link", name="Download")
    assert link.get_attribute("download") == "anna-foveate.avif"
    shown = "document.querySelector('#image-right').naturalWidth"
    tab.wait_for_function(f"{shown} === {width}")
    tab.get_by_label("Standard JPEG, same bytes").check()
    expect(tab.locator("#note")).to_contain_text("Right: Foveate's file", timeout=DONE_MS)
    tab.get_by_role("button", name="Reset").click()
    tab.wait_for_timeout(500)
    page.await_done("anna")
    assert open_jpeg(page.download("anna")).width == width
