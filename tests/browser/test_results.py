"""Results in the list: states, errors, downloads, removal."""

import zipfile
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import Photos
from tests.browser.page import PageUnderTest, open_jpeg


def test_a_damaged_photo_has_an_error_and_stops_no_others(
    page: PageUnderTest, photos: Photos
) -> None:
    page.allow_client_errors()
    page.choose(photos.broken, photos.anna, photos.ben)
    page.await_done("anna", "ben")
    expect(page.card("broken")).to_have_attribute("data-state", "failed")
    assert page.state_text("broken") == "The image's data is truncated or damaged."
    assert page.card("broken").get_by_role("link").count() == 0
    # The comparison shows a finished photo rather than a failed one.
    expect(page.tab.locator("#comparison-name")).not_to_have_text("broken.jpg")
    expect(page.tab.locator("#totals")).to_contain_text("2 of 3 done")


def test_a_result_is_downloaded_and_decodes(page: PageUnderTest, photos: Photos) -> None:
    page.choose(photos.anna, photos.ben)
    page.await_done("anna", "ben")
    with page.tab.expect_download() as download:
        page.tab.get_by_label("Download anna.jpg").click()
    assert download.value.suggested_filename == "anna-foveate.jpg"
    data = Path(download.value.path()).read_bytes()
    assert open_jpeg(data).size == (960, 640)
    assert 1000 < len(data) < photos.anna.stat().st_size


def test_all_results_are_downloaded_as_one_archive(
    page: PageUnderTest, photos: Photos, tmp_path: Path
) -> None:
    again = tmp_path / "ANNA.png"  # its result has the name of anna.jpg's, if case is ignored
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
        sizes = [open_jpeg(archive.read(name)).size for name in names]
    assert sizes == [(960, 640), (480, 360), (640, 800)]


def test_photos_are_removed_one_by_one_and_all_at_once(page: PageUnderTest, photos: Photos) -> None:
    page.choose(photos.anna, photos.ben, photos.fruit)
    page.await_done("anna", "ben", "fruit")
    page.tab.get_by_label("Remove anna.jpg").click()
    expect(page.tab.locator("#comparison-name")).to_have_text("ben.png")
    expect(page.tab.get_by_label("Remove ben.png")).to_be_focused()
    page.tab.get_by_role("button", name="Clear").click()
    expect(page.tab.get_by_role("button", name="Choose photos")).to_be_focused()
    assert page.tab.locator(".card").count() == 0
