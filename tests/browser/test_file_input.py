"""Files that the user gives to the page."""

from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import MAX_UPLOAD_BYTES, Photos
from tests.browser.page import DONE_MS, PageUnderTest, to_base64


def test_photos_are_dropped_and_pasted(page: PageUnderTest, photos: Photos) -> None:
    for kind, name in (("drop", "dropped.jpg"), ("paste", "pasted.jpg")):
        page.tab.evaluate(
            """([kind, name, base64]) => {
                const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
                const transfer = new DataTransfer();
                transfer.items.add(new File([bytes], name, { type: "image/jpeg" }));
                const event = kind === "paste"
                    ? new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true })
                    : new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true });
                document.querySelector("main").dispatchEvent(event);
            }""",
            [kind, name, to_base64(photos.fruit)],
        )
        page.await_done(name)


def test_files_that_cannot_be_compressed_have_an_error(page: PageUnderTest, tmp_path: Path) -> None:
    page.allow_client_errors()
    large, text, empty = (tmp_path / name for name in ("large.jpg", "text.jpg", "empty.jpg"))
    large.write_bytes(b"\xff\xd8" + bytes(MAX_UPLOAD_BYTES))
    text.write_text("<script>alert(1)</script>")
    empty.write_bytes(b"")
    page.choose(large, text, empty)
    for name in ("large", "text", "empty"):
        expect(page.card(name)).to_have_attribute("data-state", "failed", timeout=DONE_MS)
    assert "at most 3\u00a0MB are accepted" in page.state_text("large")
    assert "empty" in page.state_text("empty")
    assert len(page.state_text("text")) > 10


def test_a_name_with_markup_stays_text(page: PageUnderTest, photos: Photos, tmp_path: Path) -> None:
    odd = tmp_path / "<img src=x onerror=alert(1)>.jpg"
    odd.write_bytes(photos.fruit.read_bytes())
    page.choose(odd)
    page.await_done("onerror")
    expect(page.tab.locator("#comparison-name")).to_have_text(odd.name)
