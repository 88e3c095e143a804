"""Screenshots at phone and desktop width, light and dark; FOVEATE_PICTURES=1 updates those in docs."""

import io
import os
from pathlib import Path
from typing import Literal

import pytest
from PIL import Image
from playwright.sync_api import Browser

from tests.browser.conftest import Photos
from tests.browser.page import DESKTOP, PHONE, PageUnderTest
from tests.integration.running import ROOT, Running

MAX_BYTES = 300_000
DOCS = ROOT / "docs" / "pictures"
IN_DOCS = (
    {"page-desktop-light.jpg", "heatmap-desktop-dark.jpg", "page-phone-light.jpg"}
    if os.environ.get("FOVEATE_PICTURES")
    else set()
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("name", "viewport"), [("desktop", DESKTOP), ("phone", PHONE)])
def test_screenshots(
    chromium: Browser,
    page_service: Running,
    photos: Photos,
    tmp_path: Path,
    *,
    name: str,
    viewport: dict[str, int],
    scheme: Literal["light", "dark"],
) -> None:
    with PageUnderTest(
        chromium, page_service.url, viewport=viewport, color_scheme=scheme, reduced_motion="reduce"
    ) as page:
        page.allow_client_errors()
        page.tab.screenshot(path=tmp_path / f"empty-{name}-{scheme}.png")
        page.choose(photos.anna, photos.ben, photos.fruit, photos.broken)
        page.await_done("anna", "ben", "fruit")
        page.tab.locator(".card[data-state=failed]").wait_for()
        page.tab.mouse.move(0, 0)
        for heat in (False, True):
            page.tab.locator("#heat-on").set_checked(heat)
            kind = "heatmap" if heat else "page"
            file_name = f"{kind}-{name}-{scheme}.jpg"
            path = (DOCS if file_name in IN_DOCS else tmp_path) / file_name
            save(page.tab.screenshot(full_page=not heat and name == "phone"), path)
            assert path.stat().st_size < MAX_BYTES
        assert page.overflow_px() == 0


def save(screenshot: bytes, path: Path) -> None:
    """Write a screenshot as a JPEG, since most of it is a photo."""
    with Image.open(io.BytesIO(screenshot)) as picture:
        picture.convert("RGB").save(path, "JPEG", quality=90, subsampling=0, optimize=True)
