"""What the page loads: size, caching, Content-Security-Policy."""

from tests.browser.conftest import Photos
from tests.browser.page import PageUnderTest

MAX_PAGE_BYTES = 100_000  # docs/page.md


def test_the_page_is_small_cached_and_runs_no_inline_scripts(
    page: PageUnderTest, photos: Photos
) -> None:
    sizes = [request.sizes()["responseBodySize"] for request in page.requests]
    assert 20_000 < sum(sizes) < MAX_PAGE_BYTES
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
    # The page also works from the cache.
    page.tab.reload()
    page.choose(photos.ben)
    page.await_done("ben")
    # The Content-Security-Policy blocks inline scripts.
    page.allowed_errors = ("Executing inline script violates", "Refused to")
    page.tab.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {text: 'injected = 1'}))"
    )
    assert page.tab.evaluate("typeof injected") == "undefined"
