"""What the page asks of the service beside the compression itself."""

import re
from pathlib import Path

import httpx
from playwright.sync_api import Browser, expect
from redis import Redis

from contract.keys import QUEUE_NAME
from tests.browser.conftest import Photos
from tests.browser.page import DONE_MS, PageUnderTest
from tests.browser.pictures import portrait, to_jpeg
from tests.integration.http_requests import get
from tests.integration.running import Running, wait_for

QUEUE = f"rq:queue:{QUEUE_NAME}"


def test_what_the_page_has_fetched_it_lets_the_service_forget(
    page: PageUnderTest, photos: Photos
) -> None:
    page.choose(photos.ben)
    page.await_done("ben")
    (image,) = (request.url for request in page.requests if request.url.endswith("/image"))
    wait_for(lambda: get(image).status_code == httpx.codes.GONE, 5)


def test_a_closed_page_withdraws_what_is_queued(
    chromium: Browser, page_service: Running, tmp_path: Path
) -> None:
    (worker,) = page_service.children("-m worker")
    chosen = [tmp_path / f"{seed}.jpg" for seed in range(3)]
    for seed, path in enumerate(chosen):
        path.write_bytes(to_jpeg(portrait(320, 240, seed=100 + seed)))
    worker.suspend()
    try:
        with (
            PageUnderTest(chromium, page_service.url) as page,
            Redis.from_url(page_service.redis_url) as connection,
        ):
            page.choose(*chosen)
            expect(page.tab.locator(".card-state", has_text="number 2 in the queue")).to_have_count(
                1, timeout=DONE_MS
            )
            # One may be in the worker's hands already.
            assert connection.llen(QUEUE) >= len(chosen) - 1
            page.tab.goto("about:blank")
            wait_for(lambda: connection.llen(QUEUE) == 0, 10, "for withdrawal")
    finally:
        worker.resume()


def test_smaller_photos_are_compared_at_their_own_size(page: PageUnderTest, photos: Photos) -> None:
    page.choose(photos.anna)
    page.await_done("anna")
    tab = page.tab
    tab.get_by_text("More", exact=True).click()
    tab.get_by_label("No wider than").fill("320")
    expect(tab.locator("#stage-size")).to_have_text("320 × 213", timeout=DONE_MS)
    tab.get_by_label("Standard JPEG, same bytes").check()
    expect(tab.locator("#note")).to_contain_text(re.compile(r"quality \d+"), timeout=DONE_MS)
    sizes = """() => ["left", "right"].map((side) => {
        const { naturalWidth, naturalHeight } = document.querySelector(`#image-${side}`);
        return [naturalWidth, naturalHeight];
    })"""
    assert tab.evaluate(sizes) == [[320, 213], [320, 213]]


def test_a_copyright_notice_is_kept_when_asked_for(page: PageUnderTest, tmp_path: Path) -> None:
    signed = tmp_path / "signed.jpg"
    picture = portrait(320, 240, seed=7)
    exif = picture.getexif()
    exif[0x8298] = "Ada Example"
    exif[0x0110] = "Camera 1"
    picture.save(signed, "JPEG", quality=95, exif=exif)
    page.choose(signed)
    page.await_done("signed")
    assert b"Ada Example" not in page.result("signed")
    page.tab.get_by_text("More", exact=True).click()
    page.tab.get_by_label("Keep of what the camera wrote").select_option("copyright")
    page.tab.wait_for_timeout(500)
    page.await_done("signed")
    result = page.result("signed")
    assert b"Ada Example" in result
    assert b"Camera 1" not in result
