"""Chromium and a running service; tests are skipped where there is no Chromium."""

import functools
import os
import shutil
from collections.abc import Generator, Iterator
from contextlib import ExitStack
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
    """Mark the tests of this folder."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@dataclass(frozen=True)
class Photos:
    """Paths of photos to choose; ``broken`` is truncated."""

    anna: Path
    ben: Path
    fruit: Path
    broken: Path


opened = ExitStack()


@functools.cache
def open_chromium() -> sync_api.Browser:
    """Return the system's Chromium, driven by Playwright; nothing is downloaded."""
    path = (
        os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    )
    require(path, "no Chromium here (on Debian: apt install chromium), or set CHROMIUM")
    # As root, as in containers, Chromium's own sandbox doesn't start.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    playwright = opened.enter_context(sync_api.sync_playwright())
    browser = playwright.chromium.launch(executable_path=path, args=arguments)
    opened.callback(browser.close)
    return browser


# Not a fixture of the session: while Playwright is open, its event loop runs in this thread, and
# tests of other folders run their own.
@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> Generator[None]:
    """Close Chromium after the last test of this folder."""
    yield
    if nextitem is None or HERE not in nextitem.path.parents:
        opened.close()
        open_chromium.cache_clear()


@pytest.fixture
def chromium() -> sync_api.Browser:
    """Return the Chromium that the tests of this folder share."""
    return open_chromium()


@pytest.fixture(scope="session")
def page_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Return a running service."""
    folder = tmp_path_factory.mktemp("page-service")
    with run_service(folder, MAX_UPLOAD_BYTES=str(MAX_UPLOAD_BYTES)) as running:
        assert running.url
        yield running


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Photos:
    """Return synthetic photos, one of them truncated."""
    folder = tmp_path_factory.mktemp("photos")
    photos = Photos(*(folder / name for name in ("anna.jpg", "ben.png", "fruit.jpg", "broken.jpg")))
    photos.anna.write_bytes(to_jpeg(portrait(seed=1)))
    portrait(480, 360, seed=2).save(photos.ben)
    photos.fruit.write_bytes(to_jpeg(still_life()))
    data = to_jpeg(portrait(480, 320, seed=3))
    photos.broken.write_bytes(data[: len(data) // 3])
    return photos


@pytest.fixture
def page(chromium: sync_api.Browser, page_service: Running) -> Iterator[PageUnderTest]:
    """Return the page at desktop width."""
    with PageUnderTest(chromium, page_service.url) as opened:
        yield opened
