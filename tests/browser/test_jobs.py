"""The jobs of the page are deleted when it no longer needs them."""

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


def test_a_job_is_deleted_when_its_pictures_have_been_fetched(
    page: PageUnderTest, photos: Photos
) -> None:
    page.choose(photos.ben)
    page.await_done("ben")
    (image,) = (request.url for request in page.requests if request.url.endswith("/image"))
    wait_for(lambda: get(image).status_code == httpx.codes.GONE, 5)


def test_a_closed_page_deletes_its_queued_jobs(
    chromium: Browser, page_service: Running, tmp_path: Path
) -> None:
    (worker,) = page_service.children("-m worker --name")
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
            # The worker may have claimed one already.
            assert connection.llen(QUEUE) >= len(chosen) - 1
            page.tab.goto("about:blank")
            wait_for(lambda: connection.llen(QUEUE) == 0, 10, "for an empty queue")
    finally:
        worker.resume()
