"""Behind a real nginx that removes a prefix, the page and the description work in Chromium."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Photos
from tests.browser.page import PageUnderTest, open_jpeg
from tests.conftest import needs
from tests.integration.running import Running
from tests.nginx import NGINX, REASON, run_nginx

pytestmark = needs(NGINX, REASON)

# The page also works where nobody tells the service the prefix.
LOCATIONS = """
location /img/ {{ proxy_pass {url}/; proxy_set_header X-Forwarded-Prefix /img; }}
location /untold/ {{ proxy_pass {url}/; }}
"""


@pytest.fixture(scope="module")
def proxy_url(page_service: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of nginx."""
    folder = tmp_path_factory.mktemp("nginx")
    with run_nginx(folder, LOCATIONS.format(url=page_service.url)) as url:
        yield url


@pytest.mark.parametrize("prefix", ["/img/", "/untold/"])
def test_the_page_compresses_a_photo_under_a_prefix(
    chromium: Browser, proxy_url: str, photos: Photos, prefix: str
) -> None:
    with PageUnderTest(chromium, f"{proxy_url}{prefix}") as page:
        page.choose(photos.ben)
        page.await_done("ben")
        page.tab.get_by_role("switch", name="Heatmap").check()
        assert open_jpeg(page.download("ben")).size == (480, 360)
        for link in ("API", "Foveate"):
            target = page.tab.get_by_role("link", name=link, exact=True).evaluate("it => it.href")
            assert target.startswith(f"{proxy_url}{prefix}")


def test_the_description_is_shown_under_a_prefix(chromium: Browser, proxy_url: str) -> None:
    with PageUnderTest(chromium, f"{proxy_url}/img/") as page:
        page.tab.get_by_role("link", name="API", exact=True).click()
        expect(page.tab.locator("#operations-default-livez_livez_get")).to_be_visible()
        page.tab.locator("#operations-default-livez_livez_get").click()
        page.tab.get_by_role("button", name="Try it out").click()
        page.tab.get_by_role("button", name="Execute").click()
        expect(
            page.tab.locator(".live-responses-table tr.response .response-col_status")
        ).to_have_text("200")
        assert page.requests[-1].url == f"{proxy_url}/img/livez"
