"""A real Chromium over a running service; skipped, with the reason, where there is none."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.browser.page import PageUnderTest
from tests.browser.pictures import portrait, still_life, to_jpeg
from tests.conftest import require
from tests.integration.running import Running, run_service

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright (the dev extra)")

HERE = Path(__file__).parent
MAX_UPLOAD_BYTES = 3_000_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies in this folder."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@dataclass(frozen=True)
class Photos:
    """Files on disk, as a person chooses them."""

    anna: Path
    ben: Path
    fruit: Path
    broken: Path


# Of a module, not the session: Playwright's event loop stays in this thread while it is open, and
# other tests run their own.
@pytest.fixture(scope="module")
def chromium() -> Iterator[sync_api.Browser]:
    """Return the system's Chromium, driven by Playwright; nothing is downloaded."""
    path = (
        os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    )
    require(path, "no Chromium here (on Debian: apt install chromium), or set CHROMIUM")
    # As root, as in containers, Chromium's own sandbox doesn't start.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def page_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Return a running service for pages."""
    folder = tmp_path_factory.mktemp("page-service")
    with run_service(folder, MAX_UPLOAD_BYTES=str(MAX_UPLOAD_BYTES)) as running:
        assert running.url
        yield running


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Photos:
    """Return drawn photos, one of them cut short."""
    folder = tmp_path_factory.mktemp("photos")
    chosen = Photos(*(folder / name for name in ("anna.jpg", "ben.png", "fruit.jpg", "broken.jpg")))
    chosen.anna.write_bytes(to_jpeg(portrait(seed=1)))
    portrait(480, 360, seed=2).save(chosen.ben)
    chosen.fruit.write_bytes(to_jpeg(still_life()))
    data = to_jpeg(portrait(480, 320, seed=3))
    chosen.broken.write_bytes(data[: len(data) // 3])
    return chosen


@pytest.fixture
def page(chromium: sync_api.Browser, page_service: Running) -> Iterator[PageUnderTest]:
    """Return the page at desktop width; it must stay silent and at home."""
    with PageUnderTest(chromium, page_service.url) as opened:
        yield opened
